"""Recommends five items to the person behind an e-mail address."""

import os
import sys

from veilgraph.client import connect, email
from veilgraph.identity.v1.identity_pb2 import ResolveRequest
from veilgraph.recommender.v1.recommender_pb2 import RECIPE_FOR_YOU, RecommendRequest

with connect(os.environ.get("VEILGRAPH", "127.0.0.1:8080"), token=os.environ["VEILGRAPH_TOKEN"]) as veil:
    known = veil.identity.Resolve(ResolveRequest(identifiers=[email(sys.argv[1])])).results[0]
    wanted = RecommendRequest(subject=known.subject, recipe=RECIPE_FOR_YOU, page_size=5)
    for item in veil.recommender.Recommend(wanted).items:
        print(item.title)
