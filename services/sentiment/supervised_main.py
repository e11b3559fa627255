"""`python -m services.sentiment.supervised_main`: sentiment under supervision."""

from services.sentiment.identity import sentiment_config
from services.sentiment.shared_services import SharedServices
from services.shared.service import Service
from services.shared.supervised import run_supervised
from trees.sentiment import tree

SERVICE = Service("sentiment", sentiment_config, SharedServices.make, tree)

if __name__ == "__main__":
    run_supervised(SERVICE)
