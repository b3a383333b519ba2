"""A country: its ISO 3166 code and the names it goes by. Pure.

Countries are kept as they were entered; what is compared and counted is `country_key`.
"""

from __future__ import annotations

from contacts.domain.words import folded

_COUNTRIES = """
AD|Andorra
AE|United Arab Emirates|UAE|Emirates
AF|Afghanistan
AG|Antigua and Barbuda
AI|Anguilla
AL|Albania
AM|Armenia
AO|Angola
AQ|Antarctica
AR|Argentina
AS|American Samoa
AT|Austria|Österreich
AU|Australia
AW|Aruba
AX|Åland Islands
AZ|Azerbaijan
BA|Bosnia and Herzegovina
BB|Barbados
BD|Bangladesh
BE|Belgium|België|Belgique|Belgien
BF|Burkina Faso
BG|Bulgaria
BH|Bahrain
BI|Burundi
BJ|Benin
BL|Saint Barthélemy
BM|Bermuda
BN|Brunei|Brunei Darussalam
BO|Bolivia|Bolivia, Plurinational State of
BQ|Caribbean Netherlands
BR|Brazil|Brasil|Brasilien
BS|Bahamas
BT|Bhutan
BV|Bouvet Island
BW|Botswana
BY|Belarus
BZ|Belize
CA|Canada
CC|Cocos Islands
CD|Democratic Republic of the Congo|DR Congo|Congo, The Democratic Republic of the
CF|Central African Republic
CG|Republic of the Congo|Congo
CH|Switzerland|Schweiz|Suisse|Svizzera
CI|Côte d'Ivoire|Ivory Coast|Cote d'Ivoire
CK|Cook Islands
CL|Chile
CM|Cameroon
CN|China|People's Republic of China|PRC
CO|Colombia
CR|Costa Rica
CU|Cuba
CV|Cape Verde|Cabo Verde
CW|Curaçao
CX|Christmas Island
CY|Cyprus
CZ|Czechia|Czech Republic|Česko
DE|Germany|Deutschland|Federal Republic of Germany|Allemagne|Alemania
DJ|Djibouti
DK|Denmark|Danmark|Dänemark
DM|Dominica
DO|Dominican Republic
DZ|Algeria
EC|Ecuador
EE|Estonia
EG|Egypt
EH|Western Sahara
ER|Eritrea
ES|Spain|España|Spanien
ET|Ethiopia
FI|Finland|Suomi|Finnland
FJ|Fiji
FK|Falkland Islands|Falkland Islands (Malvinas)
FM|Micronesia|Micronesia, Federated States of
FO|Faroe Islands
FR|France|Frankreich|Francia
GA|Gabon
GB|United Kingdom|UK|U.K.|Great Britain|England|Scotland|Wales|Northern Ireland
GD|Grenada
GE|Georgia
GF|French Guiana
GG|Guernsey
GH|Ghana
GI|Gibraltar
GL|Greenland
GM|Gambia
GN|Guinea
GP|Guadeloupe
GQ|Equatorial Guinea
GR|Greece|Hellas|Griechenland
GS|South Georgia and the South Sandwich Islands
GT|Guatemala
GU|Guam
GW|Guinea-Bissau
GY|Guyana
HK|Hong Kong|Hong Kong SAR
HM|Heard Island and McDonald Islands
HN|Honduras
HR|Croatia|Hrvatska
HT|Haiti
HU|Hungary|Magyarország|Ungarn
ID|Indonesia
IE|Ireland|Éire|Republic of Ireland|Irland
IL|Israel
IM|Isle of Man
IN|India
IO|British Indian Ocean Territory
IQ|Iraq
IR|Iran|Iran, Islamic Republic of
IS|Iceland
IT|Italy|Italia|Italien
JE|Jersey
JM|Jamaica
JO|Jordan
JP|Japan|Nippon|Japon
KE|Kenya
KG|Kyrgyzstan
KH|Cambodia
KI|Kiribati
KM|Comoros
KN|Saint Kitts and Nevis
KP|North Korea|Korea, Democratic People's Republic of
KR|South Korea|Republic of Korea|Korea, Republic of
KW|Kuwait
KY|Cayman Islands
KZ|Kazakhstan
LA|Laos|Lao People's Democratic Republic
LB|Lebanon
LC|Saint Lucia
LI|Liechtenstein
LK|Sri Lanka
LR|Liberia
LS|Lesotho
LT|Lithuania
LU|Luxembourg
LV|Latvia
LY|Libya
MA|Morocco
MC|Monaco
MD|Moldova|Moldova, Republic of
ME|Montenegro
MF|Saint Martin
MG|Madagascar
MH|Marshall Islands
MK|North Macedonia|Macedonia
ML|Mali
MM|Myanmar|Burma
MN|Mongolia
MO|Macao|Macau
MP|Northern Mariana Islands
MQ|Martinique
MR|Mauritania
MS|Montserrat
MT|Malta
MU|Mauritius
MV|Maldives
MW|Malawi
MX|Mexico|México|Mexiko
MY|Malaysia
MZ|Mozambique
NA|Namibia
NC|New Caledonia
NE|Niger
NF|Norfolk Island
NG|Nigeria
NI|Nicaragua
NL|Netherlands|Holland|Nederland|The Netherlands|Niederlande
NO|Norway|Norge|Norwegen
NP|Nepal
NR|Nauru
NU|Niue
NZ|New Zealand
OM|Oman
PA|Panama
PE|Peru
PF|French Polynesia
PG|Papua New Guinea
PH|Philippines
PK|Pakistan
PL|Poland|Polska|Polen
PM|Saint Pierre and Miquelon
PN|Pitcairn
PR|Puerto Rico
PS|Palestine|Palestine, State of
PT|Portugal
PW|Palau
PY|Paraguay
QA|Qatar
RE|Réunion
RO|Romania|România
RS|Serbia
RU|Russia|Russian Federation
RW|Rwanda
SA|Saudi Arabia
SB|Solomon Islands
SC|Seychelles
SD|Sudan
SE|Sweden|Sverige|Schweden
SG|Singapore
SH|Saint Helena
SI|Slovenia
SJ|Svalbard and Jan Mayen
SK|Slovakia
SL|Sierra Leone
SM|San Marino
SN|Senegal
SO|Somalia
SR|Suriname
SS|South Sudan
ST|São Tomé and Príncipe
SV|El Salvador
SX|Sint Maarten
SY|Syria|Syrian Arab Republic
SZ|Eswatini|Swaziland
TC|Turks and Caicos Islands
TD|Chad
TF|French Southern Territories
TG|Togo
TH|Thailand
TJ|Tajikistan
TK|Tokelau
TL|Timor-Leste
TM|Turkmenistan
TN|Tunisia
TO|Tonga
TR|Türkiye|Turkey|Türkei
TT|Trinidad and Tobago
TV|Tuvalu
TW|Taiwan|Taiwan, Province of China
TZ|Tanzania|Tanzania, United Republic of
UA|Ukraine|Ukraina
UG|Uganda
UM|United States Minor Outlying Islands
US|United States|USA|U.S.A.|U.S.|United States of America|America
UY|Uruguay
UZ|Uzbekistan
VA|Vatican City|Holy See
VC|Saint Vincent and the Grenadines
VE|Venezuela|Venezuela, Bolivarian Republic of
VG|British Virgin Islands
VI|U.S. Virgin Islands
VN|Vietnam|Viet Nam
VU|Vanuatu
WF|Wallis and Futuna
WS|Samoa
XK|Kosovo
YE|Yemen
YT|Mayotte
ZA|South Africa
ZM|Zambia
ZW|Zimbabwe
"""
"""Code, English name, other names."""

NAMES: dict[str, str] = {}
"""English names by code."""
_CODES: dict[str, str] = {}
for _line in _COUNTRIES.split("\n"):
    if _line:
        _code, _name, *_others = _line.split("|")
        NAMES[_code] = _name
        for _known in (_code, _name, *_others):
            _CODES[folded(_known)] = _code


def country_code(text: str | None) -> str | None:
    """The ISO code of a country's name or code, or None if nobody calls a country so."""
    return _CODES.get(folded(text)) if text else None


def country_name(text: str) -> str:
    """The English name of a country however it is written, or the text itself."""
    code = country_code(text)
    return NAMES[code] if code else text


def country_key(text: str | None) -> str | None:
    """What different spellings of one country have in common."""
    return country_code(text) or (folded(text) if text else None)
