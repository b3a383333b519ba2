"""People, companies and everything that happened with them."""
