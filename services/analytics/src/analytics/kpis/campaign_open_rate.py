"""Open rate: what share of the campaign messages was opened by their readers?"""

from __future__ import annotations

from analytics.kpi import Kpi, Unit, ratio

KPI = Kpi(
    name="campaign_open_rate",
    title="Open rate",
    unit=Unit.RATIO,
    definition="Messages opened at least once by a person as a share of the messages sent, by the "
    "day of sending; what machines open does not count.",
    measures=("message_sent.sent", "message_opened.opened"),
    formula=lambda m: ratio(m["opened"], m["sent"]),
    formula_text="messages opened / messages sent",
    dimensions=("broadcast",),
    grain="one message",
    owner="marketing",
    source="Unique open rate of e-mail marketing, without machine opens.",
    version=1,
    of_persons=True,
)
