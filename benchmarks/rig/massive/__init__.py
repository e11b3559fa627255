"""The service massive on real parts: provider, bus, processes and their supervisors, and an observer outside of them."""
