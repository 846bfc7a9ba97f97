"""The analytics as text: models, their declarations and checks, and the catalog that reads them."""
