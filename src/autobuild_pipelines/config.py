"""Configuration: layers of folders, a complete set of parameters for every space, catalog entries from parameters.

Four layers, each over the one before: the project's `conf/base`, the project's `conf/<env>`, and, when `--conf-source`
names another folder, that folder's `base` and `<env>`. So a folder that holds nothing but `base/spaces/mine.yml` and
`base/parameters/mine.yml` is enough to run the whole chain on a space of one's own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from kedro.config import MissingConfigException, OmegaConfigLoader
from kedro.utils import find_kedro_project
from omegaconf import DictConfig, OmegaConf
from omegaconf.resolvers import oc

from autobuild_pipelines.reporting.wording import LABEL_KINDS

DECLARATION = "space"
"""The key of a space's parameters that holds its declaration; a top-level key without it is a common setting."""

REPLACED = ("source", "fine_tuned_source", "latency_source", "targets", "labels", "evaluators", "truth", "problems")
"""Sections of a space that a higher layer replaces as a whole; all other parameters merge key by key."""

SAMPLES = ("sample", "fine_tuned_sample")
"""Sections of a space that say how an embedded sample is drawn and labelled; the datasets go by the same names."""

FROM_PARAMETERS = "from_parameters"
"""Key of a catalog entry `"{space}.x"`: the section of the space's parameters that completes the entry."""

_NOT_COMMON = ("spaces", "space", "jobs", "architectures")


class ConfigError(ValueError):
    """The configuration does not fit together; the message names the file or key and what would be right."""


def project_root() -> Path:
    """The folder that holds `conf/`, `data/` and `mlflow.db`: this checkout, else the project one stands in."""
    checkout = Path(__file__).resolve().parents[2]
    if (checkout / "pyproject.toml").is_file():
        return checkout
    return Path(find_kedro_project(Path.cwd()) or Path.cwd()).resolve()


RESOLVERS: dict[str, Callable[..., Any]] = {"project_root": lambda: project_root().as_posix(), "oc.env": oc.env}
"""Resolvers for `${...}` in every file; Kedro itself offers `oc.env` in credentials only."""


@dataclass(frozen=True)
class SpaceOutline:
    """What the pipelines of one space depend on: its nodes and their inputs follow from it.

    Attributes:
        problems: Names of the search problems.
        evaluator_types: Types of the evaluators.
        label_types: Types of the evaluators that label what is ingested.
        fine_tuned: Whether there is a second set of evaluated architectures to compare with.
        samples: Samples that can be made, and the types of the evaluators that label them.
        searched: Whether there is an evolutionary search; `search: null` says that there is none.
        truth_types: Types of the evaluators that know every architecture's metrics without noise.
        diagrams: Whether its architectures are drawn as block diagrams.
        network: Whether its networks are defined.
    """

    problems: tuple[str, ...] = ()
    evaluator_types: frozenset[str] = frozenset()
    label_types: frozenset[str] = frozenset()
    fine_tuned: bool = False
    samples: Mapping[str, frozenset[str]] = field(default_factory=dict)
    searched: bool = True
    truth_types: frozenset[str] = frozenset()
    diagrams: bool = False
    network: bool = False

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> SpaceOutline:
        """The outline of a space's completed parameters."""
        return cls(
            tuple(settings.get("problems") or ()),
            _types(settings.get("evaluators")),
            _types(settings.get("labels")),
            isinstance(settings.get("fine_tuned_source"), Mapping),
            {name: _types(settings[name].get("labels")) for name in SAMPLES if isinstance(settings.get(name), Mapping)},
            settings.get("search", {}) is not None,
            _types(settings.get("truth")),
            isinstance(settings.get("diagrams"), Mapping),
            isinstance(settings.get("network"), Mapping),
        )


@dataclass(frozen=True)
class Job:
    """A pipeline of its own on spaces of its own.

    Attributes:
        spaces: Names of the spaces.
        steps: Names of its steps, in order; None means those of the main job.
    """

    spaces: tuple[str, ...]
    steps: tuple[str, ...] | None = None


def _types(section: Any) -> frozenset[str]:
    entries = (section or {}).values()
    return frozenset(str(entry["type"]) for entry in entries if isinstance(entry, Mapping) and "type" in entry)


class LayeredConfigLoader(OmegaConfigLoader):
    """Kedro's loader with the project's own configuration underneath and every space's parameters completed.

    Args:
        conf_source: Folder (or archive, or URL) of configuration, the project's by default.
        env: Environment over `base`.
        runtime_params: What `--params` gave.
        project_conf: The project's own configuration folder, the lowest layer.
        options: As for `kedro.config.OmegaConfigLoader`.
    """

    def __init__(
        self,
        conf_source: str | Path,
        env: str | None = None,
        runtime_params: dict[str, Any] | None = None,
        *,
        project_conf: str | Path,
        **options: Any,
    ) -> None:
        self._project_layer: OmegaConfigLoader | None = None
        self._completed: dict[str, Any] | None = None
        if Path(conf_source).resolve() != Path(project_conf).resolve():
            self._project_layer = OmegaConfigLoader(str(project_conf), base_env=options.get("base_env"))
        super().__init__(str(conf_source), env, runtime_params, **options)

    def __getitem__(self, key: str) -> dict[str, Any]:
        """The merged, resolved configuration of one kind ("parameters", "catalog", "mlflow", ...).

        Raises:
            KeyError: No file pattern is known for the kind.
            MissingConfigException: No file of this kind exists, or the environment has no folder.
            ConfigError: A listed space or a job's has no declaration, or labels of an unknown kind.
        """
        self._register_runtime_params_resolver()
        if key in self.data:
            return cast("dict[str, Any]", self.data[key])
        if key not in self.config_patterns:
            raise KeyError(f"No config patterns were found for '{key}' in your config loader")
        if key == "globals":
            OmegaConf.clear_resolver("runtime_params")
        if key == "parameters":
            return self._parameters()
        layers = list(self._layers(key))
        if not layers and key != "globals":
            raise self._no_file(key)
        merged = self._resolved(_merge(layers, soft=self.merge_strategy.get(key) == "soft"))
        merged = {name: value for name, value in merged.items() if not name.startswith("_")}
        return complete_catalog(merged, self["parameters"]) if key == "catalog" else merged

    def outlines(self) -> dict[str, SpaceOutline]:
        """The active spaces: what the pipelines of single steps are made for."""
        parameters = self["parameters"]
        return {name: SpaceOutline.of(parameters[name]) for name in active_spaces(parameters)}

    def jobs(self) -> dict[str, Job]:
        """The jobs by name."""
        return read_jobs(self["parameters"])

    def job_outlines(self) -> dict[str, SpaceOutline]:
        """The spaces of all jobs."""
        parameters = self["parameters"]
        return {name: SpaceOutline.of(parameters[name]) for job in self.jobs().values() for name in job.spaces}

    def _layers(self, key: str) -> Iterator[DictConfig]:
        """The files of one kind, merged per folder, lowest folder first.

        Kedro's `__getitem__` reads exactly two folders and resolves `${...}` within them, so more folders need what it
        is made of: `_get_conf_env_path`, `_fs` and `_read_dir_configs` (Kedro 1.7), used here and nowhere else.
        """
        folders = [(loader, env) for loader in (self._project_layer, self) for env in self._environments()]
        found = False
        for loader, env in folders:
            if loader is None:
                continue
            path = loader._get_conf_env_path(env)
            if not loader._fs.isdir(path):
                continue
            found = found or env == self.env
            files = loader._read_dir_configs(path, self.config_patterns[key], key, set(), key == "credentials")
            yield from (_merge([files[name] for name in sorted(files)], soft=True),) if files else ()
        if self.env and not found:
            raise MissingConfigException(f"environment {self.env!r} has no folder in {self.conf_source}")

    def _environments(self) -> list[str]:
        return list(dict.fromkeys([self.base_env, self.env or self.default_run_env]))

    def _no_file(self, key: str) -> MissingConfigException:
        patterns = ", ".join(self.config_patterns[key])
        return MissingConfigException(f"no file for {key!r} ({patterns}) in the configuration")

    def _parameters(self) -> dict[str, Any]:
        """The completed parameters, read once: context, catalog and pipelines all ask for them."""
        if self._completed is None:
            layers = list(self._layers("parameters"))
            if not layers:
                raise self._no_file("parameters")
            self._completed = complete_parameters(self._merged_parameters(layers), self.runtime_params or {})
        return deepcopy(self._completed)

    def _merged_parameters(self, layers: Sequence[DictConfig]) -> dict[str, Any]:
        merged = OmegaConf.create({})
        for layer in layers:
            for name, section in _replaced_sections(layer):
                if OmegaConf.is_dict(merged.get(name)):
                    merged[name].pop(section, None)
            merged = cast("DictConfig", OmegaConf.unsafe_merge(merged, layer))
        return self._resolved(cast("DictConfig", OmegaConf.unsafe_merge(merged, self.runtime_params or {})))

    @staticmethod
    def _resolved(config: DictConfig) -> dict[str, Any]:
        return cast("dict[str, Any]", OmegaConf.to_container(config, resolve=True))


def active_spaces(parameters: Mapping[str, Any]) -> tuple[str, ...]:
    """Names of the spaces to work on: `space` (from `--params`) when given, else the list `spaces`.

    Raises:
        ConfigError: The list is missing or not a list of names.
    """
    chosen = parameters.get("space", parameters.get("spaces"))
    names = [chosen] if isinstance(chosen, str) else chosen
    if not isinstance(names, list) or not names or not all(isinstance(name, str) for name in names):
        raise ConfigError(f"parameters: spaces: expected a list of names of spaces, got {chosen!r}")
    return tuple(dict.fromkeys(names))


def read_jobs(parameters: Mapping[str, Any]) -> dict[str, Job]:
    """The parameter `jobs`: name to a list of spaces (the main job's steps), or to `spaces` and `steps`.

    A space chosen on the command line (`--params space=...`) leaves of every job that space alone, and of a job
    without it nothing.

    Raises:
        ConfigError: A job names no list of spaces, or of steps.
    """
    jobs = parameters.get("jobs") or {}
    if not isinstance(jobs, Mapping):
        raise ConfigError(f"parameters: jobs: expected names of jobs with lists of spaces, got {jobs!r}")
    chosen = None if parameters.get("space") is None else active_spaces(parameters)
    out = {}
    for name, content in jobs.items():
        entry = content if isinstance(content, Mapping) else {"spaces": content}
        if unknown := sorted(set(entry) - {"spaces", "steps"}):
            raise ConfigError(f"parameters: jobs.{name}: has no key {unknown[0]!r}, only spaces and steps")
        spaces = _names(f"jobs.{name}", "spaces", entry.get("spaces"))
        steps = _names(f"jobs.{name}.steps", "steps", entry["steps"]) if "steps" in entry else None
        if kept := tuple(space for space in spaces if chosen is None or space in chosen):
            out[str(name)] = Job(kept, steps)
    return out


def _names(key: str, what: str, value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not value or not all(isinstance(name, str) for name in value):
        raise ConfigError(f"parameters: {key}: expected a list of names of {what}, got {value!r}")
    return tuple(dict.fromkeys(value))


def _worked_on(parameters: Mapping[str, Any]) -> tuple[str, ...]:
    """Every space that some pipeline is for: the active ones, then the jobs'."""
    of_jobs = (name for job in read_jobs(parameters).values() for name in job.spaces)
    return tuple(dict.fromkeys((*active_spaces(parameters), *of_jobs)))


def complete_parameters(
    parameters: Mapping[str, Any], runtime_params: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Give every space the common settings, overridden by its own, overridden by the command line.

    `{spaces: [a], seed: 0, search: {seeds: 5, budget: 250}, a: {space: ..., search: {seeds: 1}}}` gives `a` a seed of 0
    and `search: {seeds: 1, budget: 250}`; with `--params search.seeds=2` it gives `search: {seeds: 2, budget: 250}`.
    Common is every top-level key that declares no space.

    Raises:
        ConfigError: A space is listed that nothing declares, or its `label_kind` is unknown.
    """
    listed = _worked_on(parameters)
    declared = [name for name, value in parameters.items() if isinstance(value, Mapping) and DECLARATION in value]
    if missing := [name for name in listed if name not in declared]:
        raise ConfigError(
            f"parameters: spaces or jobs lists {missing}, which no file declares: add spaces/{missing[0]}.yml with "
            f"`{missing[0]}: {{space: ...}}`; declared are {sorted(declared)}"
        )
    common = {name: value for name, value in parameters.items() if name not in (*_NOT_COMMON, *declared)}
    given = runtime_params or {}
    given_to_all = {name: value for name, value in given.items() if name in common}
    completed = dict(parameters)
    for name in listed:
        own = _override(common, parameters[name])
        # A section that a space has turned off (null) stays off, whatever all spaces are given.
        own = _override(own, {key: value for key, value in given_to_all.items() if own.get(key) is not None})
        completed[name] = _override(own, given.get(name, {}))
        kind = completed[name].get("label_kind")
        if kind is not None and kind not in LABEL_KINDS:
            raise ConfigError(f"parameters: {name}.label_kind: expected one of {list(LABEL_KINDS)}, got {kind!r}")
    return completed


def complete_catalog(catalog: Mapping[str, Any], parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Turn every entry `"{space}.x"` that names a section of the parameters into one entry a space.

    `"{space}.raw_samples": {type: T, from_parameters: source}` becomes `a.raw_samples: {type: T, **a.source}`, and
    with `from_parameters: {given: source}` it becomes `a.raw_samples: {type: T, given: a.source}`. Spaces without the
    section get no entry, and an entry written out for a space stays as it is.
    """
    out: dict[str, Any] = {}
    for name, entry in catalog.items():
        if not (isinstance(entry, Mapping) and FROM_PARAMETERS in entry):
            out[name] = entry
            continue
        wanted = entry[FROM_PARAMETERS]
        fixed = {key: value for key, value in entry.items() if key != FROM_PARAMETERS}
        for space in _worked_on(parameters):
            written = _named(name, space)
            settings = _sections(parameters[space], wanted)
            if settings is not None and written not in catalog:
                out[written] = _override(_named(fixed, space), settings)
    return out


def _sections(settings: Mapping[str, Any], wanted: str | Mapping[str, str]) -> Mapping[str, Any] | None:
    if isinstance(wanted, str):
        found = settings.get(wanted)
        return cast("Mapping[str, Any]", found) if isinstance(found, Mapping) else None
    if any(section not in settings for section in wanted.values()):
        return None
    return {argument: settings[section] for argument, section in wanted.items()}


def _named(value: Any, space: str) -> Any:
    """The value with `{space}` filled in, as Kedro fills in a factory's placeholders."""
    if isinstance(value, str):
        return value.replace("{space}", space)
    if isinstance(value, Mapping):
        return {key: _named(item, space) for key, item in value.items()}
    return [_named(item, space) for item in value] if isinstance(value, list) else value


def _merge(layers: Iterable[DictConfig], *, soft: bool) -> DictConfig:
    merged = OmegaConf.create({})
    if soft:  # all in one call, since every call goes through what was merged before
        return cast("DictConfig", OmegaConf.unsafe_merge(merged, *layers))
    for layer in layers:
        for name in layer:
            merged[name] = layer._get_node(name)
    return merged


def _replaced_sections(layer: DictConfig) -> list[tuple[str, str]]:
    return [
        (str(name), section)
        for name in layer
        if OmegaConf.is_dict(node := layer._get_node(name))
        for section in REPLACED
        if section in cast("DictConfig", node)
    ]


def _override(lower: Mapping[str, Any], upper: Mapping[str, Any]) -> dict[str, Any]:
    out = deepcopy(dict(lower))
    for key, value in upper.items():
        both = isinstance(value, Mapping) and isinstance(out.get(key), Mapping)
        out[key] = _override(out[key], value) if both else deepcopy(value)
    return out
