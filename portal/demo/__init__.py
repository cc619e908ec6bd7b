"""The demo network: data in `fixtures/demo`, entered through the services of every floor beneath."""
