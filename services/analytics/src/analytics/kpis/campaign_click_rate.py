"""Click rate: what share of the campaign messages had a link followed by their readers?"""

from __future__ import annotations

from analytics.kpi import Kpi, Unit, ratio

KPI = Kpi(
    name="campaign_click_rate",
    title="Click rate",
    unit=Unit.RATIO,
    definition="Messages in which a person followed at least one link as a share of the messages "
    "sent, by the day of sending; what machines click does not count.",
    measures=("message_sent.sent", "message_clicked.clicked"),
    formula=lambda m: ratio(m["clicked"], m["sent"]),
    formula_text="messages clicked / messages sent",
    dimensions=("broadcast",),
    grain="one message",
    owner="marketing",
    source="Unique click-through rate of e-mail marketing, without machine clicks.",
    version=1,
    of_persons=True,
)
