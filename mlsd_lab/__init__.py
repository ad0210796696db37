"""Machine learning system design, learned by building one real two-stage video recommender and measuring every step."""

__version__ = "0.1.0"
