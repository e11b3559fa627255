"""`python -m services.intel.supervised_main`: intel under supervision."""

from services.intel.identity import intel_config
from services.intel.shared_services import SharedServices
from services.shared.service import Service
from services.shared.supervised import run_supervised
from trees.intel import tree

SERVICE = Service("intel", intel_config, SharedServices.make, tree)

if __name__ == "__main__":
    run_supervised(SERVICE)
