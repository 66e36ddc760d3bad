# `make serve` and `make test` set up what they need: Python 3.13 and the locked packages, by uv.
# An uv that can't replace an environment (before 0.8) is as good as none.
uv := $(if $(shell uv venv --help 2>/dev/null | grep -e --clear),uv,.uv/bin/uv)
own_uv := $(filter .uv/bin/uv,$(uv))
proof := @.venv/bin/python -m proof
compile := pip compile --quiet --upgrade --universal --python-version 3.13 --generate-hashes --no-emit-index-url --no-header

# What the environment says to these tools for other work, it says to none of them here. Where uv
# finds and keeps packages, and whom git trusts, is this machine's affair, and stays.
foreign := PYTHON% COV_% COVERAGE% PYTEST% HYPOTHESIS% MYPY% PYRIGHT% RUFF% GIT_% UV_% \
  NODE_OPTIONS NODE_PATH PIP_PREFIX PIP_TARGET PIP_USER CLICOLOR_FORCE FORCE_COLOR PY_COLORS
stays := GIT_CONFIG% UV_CACHE_DIR UV_CONCURRENT% UV_DEFAULT_INDEX UV_EXTRA_INDEX_URL UV_FIND_LINKS \
  UV_HTTP% UV_INDEX% UV_INSECURE_HOST UV_KEYRING% UV_LINK_MODE UV_NATIVE_TLS UV_OFFLINE \
  UV_PYTHON_DOWNLOADS UV_PYTHON_INSTALL% UV_REQUEST_TIMEOUT UV_SYSTEM_CERTS
unexport $(filter-out $(stays),$(filter $(foreign),$(.VARIABLES)))

# A link is not followed to be wiped; what is dated in the future would never be older than this.
no_link = [ ! -L $(1) ] || { echo "$(1) is a link, and what it leads to is not ours to replace: remove the link and try again."; exit 1; }
made = touch $@ && for each in $^; do [ ! $$each -nt $@ ] || touch -r $@ $$each; done

.PHONY: serve test site publish check lighthouse repeat new lock pythons
serve:  .venv/ready ; $(proof) serve
test:   .venv/ready ; $(proof) test
site:   .venv/ready ; $(proof) site
publish: .venv/ready ; $(proof) publish
check:  .venv/ready ; $(proof) check
lighthouse: .venv/ready ; $(proof) lighthouse
repeat: .venv/ready ; $(proof) repeat $(OF)
new:    .venv/ready ; $(proof) new "$(RULE)"
lock:   $(own_uv) ; @$(uv) $(compile) pyproject.toml -o requirements.lock && echo uv | $(uv) $(compile) - -o requirements-uv.lock
pythons: $(own_uv) ; @$(uv) python install 3.10 3.11 3.12

.venv/ready: requirements.lock .python-version | $(own_uv)
	@$(call no_link,.venv)
	@echo "Setting up .venv: Python 3.13 and the packages of requirements.lock"
	@$(uv) venv --quiet --clear .venv || { echo "Python 3.13 could not be set up in .venv: uv says why above. Mend that; if it finds no Python 3.13 and can't fetch one, install it (python.org, your package manager, pyenv). Then try again."; exit 1; }
	@$(uv) pip sync --quiet --require-hashes --compile-bytecode --python .venv requirements.lock || { echo "The packages of requirements.lock could not be installed: uv says why above. Mend that and try again."; exit 1; }
	@$(made)

.uv/bin/uv: requirements-uv.lock
	@$(call no_link,.uv)
	@echo "Setting up .uv: uv is not on PATH, or older than 0.8"
	@here="$$PWD" && cd / && python3 -m venv --clear "$$here/.uv" && "$$here/.uv/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes -r "$$here/requirements-uv.lock" || { echo "uv could not be set up: the reason stands above. Mend that, or install uv 0.8 or newer, or a Python 3 with venv and pip (Debian: python3-venv). Then try again."; exit 1; }
	@$(made)
