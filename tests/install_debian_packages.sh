#!/bin/sh
# Installs what tests marked `installed` need beside Python packages, where it is missing and this user may: Chromium
# for tests/browser, SLURM and munge for tests/cluster. Says first what it installs, and says nothing where nothing is
# missing. Never fails: without them those tests are skipped, or fail where CI is set, and say what is missing.
has() {
    for program in "$@"; do
        PATH="$PATH:/usr/sbin:/sbin" command -v "$program" >/dev/null 2>&1 && return 0
    done
    return 1
}

missing=
has chromium chromium-browser google-chrome || missing="$missing chromium"
has slurmctld && has slurmd && has sbatch || missing="$missing slurm-wlm"
has munged || missing="$missing munge"
[ -n "$missing" ] || exit 0
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null 2>&1; then
    echo "some tests need Debian packages that only root can install, with apt-get:$missing"
    exit 0
fi
echo "installing Debian packages that some tests need (make test-quick needs none):$missing"
export DEBIAN_FRONTEND=noninteractive
# shellcheck disable=SC2086  # one word a package
install() { apt-get install -y -qq $missing >/dev/null 2>&1; }
if install; then exit 0; fi
if apt-get update -qq >/dev/null 2>&1 && install; then exit 0; fi
echo "could not be installed (apt-get install$missing)"
exit 0
