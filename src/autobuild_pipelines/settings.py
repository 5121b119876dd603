"""Kedro's project settings. See https://docs.kedro.org/en/stable/configure/settings/"""

from autobuild_pipelines.config import RESOLVERS, LayeredConfigLoader, project_root
from autobuild_pipelines.context import SpacesContext
from autobuild_pipelines.hooks import ProgressHooks, SummaryHooks, TrackingHooks
from autobuild_pipelines.run_record_hooks import RunRecordHooks

HOOKS = (ProgressHooks(), RunRecordHooks(), TrackingHooks(), SummaryHooks())
# TrackingHooks extends kedro-mlflow's hooks and stands in for them.
DISABLE_HOOKS_FOR_PLUGINS = ("kedro-telemetry", "kedro_mlflow")

CONTEXT_CLASS = SpacesContext
CONFIG_LOADER_CLASS = LayeredConfigLoader
CONFIG_LOADER_ARGS = {
    "project_conf": project_root() / "conf",
    "base_env": "base",
    "default_run_env": "local",
    "config_patterns": {
        # A space's declaration, its network and its settings are parameters of that space, each in its own folder.
        "parameters": ["parameters*", "parameters*/**", "**/parameters*", "spaces/**", "networks/**"],
        "mlflow": ["mlflow*", "mlflow*/**", "**/mlflow*"],
    },
    "merge_strategy": {"parameters": "soft", "mlflow": "soft"},
    "custom_resolvers": RESOLVERS,
}
