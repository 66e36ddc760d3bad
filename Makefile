# `make serve` and `make test` set up what they need: Python 3.13 and the locked packages, by uv.
uv := $(or $(shell command -v uv),.uv/bin/uv)
proof := @.venv/bin/python -m proof
compile := pip compile --quiet --upgrade --universal --python-version 3.13 --generate-hashes --no-emit-index-url --no-header

.PHONY: serve test site publish check lighthouse repeat new lock pythons
serve:  .venv/ready ; $(proof) serve
test:   .venv/ready ; $(proof) test
site:   .venv/ready ; $(proof) site
publish: .venv/ready ; $(proof) publish
check:  .venv/ready ; $(proof) check
lighthouse: .venv/ready ; $(proof) lighthouse
repeat: .venv/ready ; $(proof) repeat
new:    .venv/ready ; $(proof) new "$(RULE)"
lock:   $(uv) ; @$(uv) $(compile) pyproject.toml -o requirements.lock && echo uv | $(uv) $(compile) - -o requirements-uv.lock
pythons: $(uv) ; @$(uv) python install 3.10 3.11 3.12

.venv/ready: requirements.lock .python-version | $(uv)
	@echo "Setting up .venv: Python 3.13 and the packages of requirements.lock"
	@$(uv) venv --quiet --clear .venv || { echo "Python 3.13 is missing and could not be fetched: install it (python.org, your package manager, pyenv) and try again."; exit 1; }
	@$(uv) pip sync --quiet --require-hashes --compile-bytecode --python .venv requirements.lock || { echo "The packages of requirements.lock could not be installed: uv says why above."; exit 1; }
	@touch $@

.uv/bin/uv: requirements-uv.lock
	@echo "Setting up .uv: uv is not on PATH"
	@here="$(CURDIR)" && cd / && python3 -m venv --clear "$$here/.uv" && "$$here/.uv/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes -r "$$here/requirements-uv.lock" || { echo "uv could not be set up: install uv, or a Python 3 with venv and pip (Debian: python3-venv), and try again."; exit 1; }
	@touch $@
