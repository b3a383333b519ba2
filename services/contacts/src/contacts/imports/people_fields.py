"""What can be said of a person in a file, and what other systems call it."""

from __future__ import annotations

from chassis.imports import ImportField

FIELDS = (
    ImportField("first_name", "First name", ("Given name", "Forename", "First", "Vorname")),
    ImportField("middle_name", "Middle name", ("Additional name",)),
    ImportField("last_name", "Last name", ("Surname", "Family name", "Last", "Nachname")),
    ImportField("name", "Full name", ("Person - Name", "Contact name", "Display name")),
    ImportField(
        "email",
        "E-mail",
        ("Email address", "E-mail address", "E-mail 1 - Value", "Person - Email", "Primary email"),
        many=True,
    ),
    ImportField("email_home", "E-mail (home)", ("Home email", "Personal email"), many=True),
    ImportField(
        "email_other", "E-mail (other)", ("Secondary email", "E-mail 2 - Value"), many=True
    ),
    ImportField("email_label", "Kind of e-mail", many=True),
    ImportField(
        "phone",
        "Phone",
        (
            "Phone number",
            "Mobile",
            "Mobile phone",
            "Phone 1 - Value",
            "Person - Phone",
            "Telephone",
        ),
        many=True,
    ),
    ImportField("phone_work", "Phone (work)", ("Business phone", "Work phone"), many=True),
    ImportField("phone_home", "Phone (home)", ("Home phone",), many=True),
    ImportField("phone_fax", "Fax", ("Fax number", "Business fax"), many=True),
    ImportField("phone_other", "Phone (other)", ("Other phone",), many=True),
    ImportField("phone_label", "Kind of phone", many=True),
    ImportField(
        "company",
        "Company",
        (
            "Organization",
            "Organization name",
            "Organization - Name",
            "Account",
            "Account name",
            "Associated company",
            "Company name",
            "Employer",
        ),
    ),
    ImportField("company_role", "Job title", ("Title", "Position", "Organization title", "Role")),
    ImportField("tags", "Tags", ("Labels", "Groups", "Categories"), many=True),
    ImportField("city", "City", ("Mailing city", "Town", "Home city", "Address 1 - City")),
    ImportField(
        "country",
        "Country",
        ("Country/Region", "Mailing country", "Home country", "Address 1 - Country"),
    ),
    ImportField("birthday", "Birthday", ("Date of birth", "Birthdate"), date=True),
    ImportField("language", "Language", ("Preferred language",)),
    ImportField("time_zone", "Time zone"),
    ImportField("source", "Source", ("Lead source", "Original source")),
    ImportField("owner", "Owner", ("Contact owner", "Owner name")),
    ImportField("created_at", "Created", ("Create date", "Created date", "Date added"), date=True),
    ImportField("external_id", "External id", ("Id", "Record id", "Contact id", "Person - ID")),
    ImportField(
        "email_consent",
        "Wants mailings (yes/no)",
        ("Accepts email marketing", "Accepts marketing", "Email subscription status", "Newsletter"),
    ),
    ImportField(
        "email_opt_out",
        "Opted out of mailings (yes/no)",
        ("Email opt out", "Has opted out of email", "Unsubscribed", "Opt out"),
    ),
    ImportField("sms_consent", "Wants SMS (yes/no)", ("Accepts SMS marketing",)),
    ImportField("do_not_call", "Not to be called (yes/no)", ("Do not call",)),
    ImportField("consent_at", "Agreed to mailings on", ("Opt-in time",), date=True),
    ImportField("unsubscribed_at", "Unsubscribed on", ("Unsub time",), date=True),
    ImportField("unsubscribe_reason", "Reason of unsubscribing", ("Unsub reason",)),
    ImportField("bounced", "Mail bounced (reason)", ("Email bounced reason",)),
    ImportField("deleted", "Deleted there (yes/no)", ("Is deleted",)),
)
