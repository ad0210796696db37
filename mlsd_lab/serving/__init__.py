"""Serving: the models as one bundle, and the recommender that answers requests from it."""

from mlsd_lab.serving.bundle import Bundle
from mlsd_lab.serving.play import Played, first_requests, play
from mlsd_lab.serving.recommender import Answer, Recommender, Request
from mlsd_lab.serving.replay import replay
from mlsd_lab.serving.served_log import ServedLog

__all__ = ["Answer", "Bundle", "Played", "Recommender", "Request", "ServedLog", "first_requests", "play", "replay"]
