"""`python -m services.execution.supervised_main`: execution under supervision."""

from services.execution.identity import execution_config
from services.execution.shared_services import SharedServices
from services.shared.service import Service
from services.shared.supervised import run_supervised
from trees.execution import tree

SERVICE = Service("execution", execution_config, SharedServices.make, tree)

if __name__ == "__main__":
    run_supervised(SERVICE)
