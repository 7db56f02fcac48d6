#!/bin/sh
# Installs what tests marked `installed` need beside Python packages, where it is missing and this user may: Chromium
# for tests/browser, SLURM and munge for tests/cluster, LaTeX for tests/reporting (47 MB without what Debian recommends
# beside it). Says first what it installs, and says nothing where nothing is missing. Never fails: without them those
# tests are skipped, or fail where CI is set, and say what is missing.
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
alone=
has pdflatex && kpsewhich booktabs.sty >/dev/null || alone=" texlive-latex-recommended"
[ -n "$missing$alone" ] || exit 0
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null 2>&1; then
    echo "some tests need Debian packages that only root can install, with apt-get:$missing$alone"
    exit 0
fi
echo "installing Debian packages that some tests need (make test-quick needs none):$missing$alone"
export DEBIAN_FRONTEND=noninteractive
# shellcheck disable=SC2086  # one word a package
install() {
    apt-get install -y -qq $missing >/dev/null 2>&1 &&
        apt-get install -y -qq --no-install-recommends $alone >/dev/null 2>&1
}
if install; then exit 0; fi
if apt-get update -qq >/dev/null 2>&1 && install; then exit 0; fi
echo "could not be installed (apt-get install$missing$alone)"
exit 0
