"""How mail leaves the house: frozen audiences, letters, signed links, mail server, ledger."""
