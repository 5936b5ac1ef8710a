"""Asks a Vitrine server: visual search over a product catalogue.

    import vitrine

    client = vitrine.Client("localhost:50051")
    client.search("dress.jpg", filter="category=Dress AND price<50")
"""

from vitrine.catalog import Catalog, Sent
from vitrine.client import Client
from vitrine.errors import (Cancelled, DataLoss, DeadlineExceeded, Error, FailedPrecondition,
                            ImageUnreadable, Internal, InvalidArgument, MissingDependency, NotFound,
                            NotPermitted, Overloaded, Refused, Unavailable, Unimplemented)
from vitrine.filters import Filter, attr
from vitrine.notebook import Rows
from vitrine.queries import Example, Product, Vector
from vitrine.records import CatalogProduct, Description, ProductImage, Receipt, VectorSet
from vitrine.results import ColourHarmony, Facet, Hit, Plan, Recommendation, Results, Timings
from vitrine.retry import Retry

__all__ = [
    "Cancelled", "Catalog", "CatalogProduct", "Client", "ColourHarmony", "DataLoss",
    "DeadlineExceeded", "Description",
    "Error", "Example", "Facet", "FailedPrecondition", "Filter", "Hit", "ImageUnreadable",
    "Internal", "InvalidArgument", "MissingDependency", "NotFound", "NotPermitted", "Overloaded",
    "Plan", "Product", "ProductImage", "Receipt", "Recommendation", "Refused", "Results", "Retry",
    "Rows", "Sent", "Timings", "Unavailable", "Unimplemented", "Vector", "VectorSet", "attr",
]
