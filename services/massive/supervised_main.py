"""`python -m services.massive.supervised_main`: massive under supervision."""

from functools import partial

from services.massive.config import Massive
from services.massive.identity import massive_config
from services.massive.shared_services import SharedServices
from services.shared.service import Service
from services.shared.service_supervisor import ServiceSupervisor
from services.shared.supervised import run_supervised
from trees.massive import tree

SERVICE = Service("massive", massive_config, SharedServices.make, tree)

MassiveSupervisor = partial(ServiceSupervisor[Massive, SharedServices], SERVICE)
"""`await MassiveSupervisor(config=…, logger=…).run()` is part of the contract."""

if __name__ == "__main__":
    run_supervised(SERVICE)
