"""Logins of people at providers that the deployment registered, and the tokens they are exchanged for."""
