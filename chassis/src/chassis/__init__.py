"""What every Everlog service is bolted onto; it knows no contact, deal or campaign."""
