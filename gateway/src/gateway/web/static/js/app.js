// What every page has: overlays, notices, keys, the palette, lists.
import { startBulk } from "./bulk.js";
import { startConfirming } from "./confirming.js";
import { startForms } from "./forms.js";
import { startKeys } from "./keys.js";
import { startListKeys } from "./list_keys.js";
import { startLists } from "./lists.js";
import { openDrawer, startOverlays } from "./overlays.js";
import { startPalette } from "./palette.js";
import { startPickers } from "./picker.js";
import { startSending } from "./sending.js";
import { startThemeMenu } from "./theme_menu.js";
import { startToasts } from "./toasts.js";

startOverlays();
startToasts();
startSending();
startPalette();
startKeys({ openDrawer });
startBulk();
startLists();
startListKeys();
startForms();
startConfirming();
startPickers();
startThemeMenu();
