"""`python -m services.marketswarm.supervised_main`: all four services in one process, under supervision."""

from services.marketswarm.config import SERVICES, marketswarm_config
from services.marketswarm.shared_services import SharedServices
from services.shared.service import Service
from services.shared.supervised import run_supervised
from trees.marketswarm import tree

SERVICE = Service("marketswarm", marketswarm_config, SharedServices.make, tree, parts=SERVICES)

if __name__ == "__main__":
    run_supervised(SERVICE)
