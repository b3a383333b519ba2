"""The words the sample is made of. Every person and company in it is invented."""

FIRST_NAMES = (
    "Ada", "Agnes", "Amara", "Anna", "Anton", "Asta", "Bela", "Bruno", "Camille", "Carla", "Chidi",
    "Clara", "Dario", "David", "Elif", "Elin", "Emil", "Esra", "Fatima", "Felix", "Finn", "Freya",
    "Gabriel", "Greta", "Hana", "Hugo", "Ida", "Imani", "Ingrid", "Isabel", "Ivan", "Jakob", "Jana",
    "Jonas", "Juan", "Julia", "Kaito", "Katja", "Kofi", "Lea", "Leon", "Lina", "Louis", "Lucía",
    "Magda", "Malik", "Mara", "Mateo", "Mei", "Mila", "Milan", "Nadia", "Nico", "Nina", "Noah",
    "Olga", "Oskar", "Paula", "Pavel", "Pia", "Rafael", "Rosa", "Ruth", "Samir", "Sara", "Sofia",
    "Stella", "Tariq", "Theo", "Tilda", "Tomás", "Vera", "Viktor", "Wanda", "Yara", "Yusuf", "Zoë",
)  # fmt: skip
LAST_NAMES = (
    "Abadi", "Adler", "Almeida", "Andersen", "Bauer", "Becker", "Berg", "Bianchi", "Blum",
    "Boateng", "Brandt", "Castro", "Chen", "Costa", "Dahl", "Demir", "Dubois", "Eriksen",
    "Ferrari", "Fischer",
    "Fontaine", "Garcia", "Graf", "Haas", "Hartmann", "Holm", "Horvath", "Ito", "Jansen", "Kaya",
    "Keller", "Khan", "Kowalski", "Krause", "Lang", "Larsen", "Laurent", "Lindqvist", "Lopez",
    "Marin", "Martens", "Meier", "Moreau", "Nakamura", "Navarro", "Nguyen", "Novak", "Okafor",
    "Olsen", "Papadopoulos", "Peters", "Petrov", "Popescu", "Quist", "Rahman", "Richter", "Rossi",
    "Sato", "Schmid", "Schulz", "Silva", "Sommer", "Steiner", "Svensson", "Tanaka", "Torres",
    "Ulrich", "Varga", "Vogel", "Weber", "Winter", "Wolf", "Yilmaz", "Zimmermann",
)  # fmt: skip
CITIES = (
    ("Berlin", "DE"), ("Hamburg", "DE"), ("Leipzig", "DE"), ("München", "DE"), ("Wien", "AT"),
    ("Graz", "AT"), ("Zürich", "CH"), ("Basel", "CH"), ("Paris", "FR"), ("Lyon", "FR"),
    ("Amsterdam", "NL"), ("Utrecht", "NL"), ("København", "DK"), ("Praha", "CZ"),
)  # fmt: skip
COMPANY_KINDS = (
    ("education", ("{} Grammar School", "{} Academy", "{} Language School", "School on {} Square")),
    ("libraries", ("{} Public Library", "{} Library Friends", "{} Archive")),
    ("hospitality", ("Café {}", "Hotel {}", "{} Tea Rooms", "Bistro {}")),
    ("publishing", ("{} Press", "{} Editions", "{} Verlag")),
    ("services", ("{} & Partners", "{} Consulting", "Studio {}", "{} Law Office")),
    ("health", ("{} Clinic", "{} Children's Practice", "{} Pharmacy")),
)
COMPANY_NAMES = (
    "Linden", "Harbour", "Northgate", "Old Mill", "Riverside", "Sonnen", "Kastanien", "Bellevue",
    "Morgenstern", "Tulip", "Amber", "Elm", "Falken", "Garden", "Hill", "Ivy", "Juniper", "Kranich",
    "Lark", "Maple", "Nordlicht", "Orchard", "Pavilion", "Quince", "Rose", "Swan", "Thistle",
    "Union", "Viola", "Willow",
)  # fmt: skip
ROLES = ("Librarian", "Head of purchasing", "Owner", "Teacher", "Office manager", "Director")
TAGS = ("newsletter", "reading circle", "children's books", "crime", "poetry", "loyalty card")
SOURCES = ("shop", "web form", "event", "referral", "newsletter", "book fair")
PRODUCTS = (
    ("School package", "Packages", 120000), ("Library package", "Packages", 240000),
    ("Reading circle set", "Sets", 18000), ("Office shelf", "Sets", 36000),
    ("Author evening", "Events", 90000), ("Book table", "Events", 45000),
    ("Signed first edition", "Rare", 15000), ("Pre-order bundle", "Pre-orders", 6500),
)  # fmt: skip
LOST_REASONS = ("price", "another supplier", "no budget this year", "no answer", "too late")
NOTES = (
    "Asked for large-print editions.", "Wants the invoice before the holidays.",
    "Prefers to be called in the morning.", "Was at the poetry evening, very happy.",
    "Looking for a present for an anniversary.", "Would like a reading list for year nine.",
    "Has a standing order for the prize shortlist.", "Recommended us to a colleague.",
    "Asked whether we deliver by bicycle.", "Collects first editions of travel books.",
)  # fmt: skip
CALLS = (
    "Talked about the autumn programme.", "Agreed on delivery dates.",
    "Left a message, will try again.", "Went through the offer together.",
    "Confirmed the number of copies.",
)  # fmt: skip
BOOKS = (
    ("B-101", "The Lighthouse Almanac", 2200), ("B-114", "A Short History of Rain", 1800),
    ("B-120", "Letters from the Night Train", 1450), ("B-133", "The Gardener's Atlas", 3900),
    ("B-140", "Seven Winters", 1250), ("B-152", "Cooking with Quinces", 2700),
    ("B-160", "The Little Owl Moves House", 1400), ("B-171", "Murder at the Book Fair", 1150),
    ("B-185", "Poems for Waiting Rooms", 1600), ("B-190", "Maps of Invented Cities", 4400),
)  # fmt: skip
