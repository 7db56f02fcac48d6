#!/bin/sh
# Installs Chromium for tests/browser where there is none and this user may. Never fails: without a browser
# those tests are skipped, or fail where CI is set, and say what is missing.
for name in chromium chromium-browser google-chrome; do
    command -v "$name" >/dev/null 2>&1 && exit 0
done
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null 2>&1; then
    echo "no Chromium here, and it cannot be installed without root and apt-get: tests/browser needs one"
    exit 0
fi
export DEBIAN_FRONTEND=noninteractive
if apt-get install -y -qq chromium >/dev/null 2>&1; then exit 0; fi
if apt-get update -qq >/dev/null 2>&1 && apt-get install -y -qq chromium >/dev/null 2>&1; then exit 0; fi
echo "Chromium could not be installed (apt-get install chromium): tests/browser needs one"
exit 0
