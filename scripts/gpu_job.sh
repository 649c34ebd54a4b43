#!/usr/bin/env bash
# Under nine minutes on a machine with a CUDA device: the tests that need one, all benchmarks,
# paper B's trainings at p = 113 in the queue's order, and A91 toward 100,000 networks.
#
#   scripts/gpu_job.sh [--dry-run] [FOLDER [EARLIER]]
#
# FOLDER (or $OUT) gets at most eight files of 16 MB: report.txt, and job.tar.00 to .06 with the
# tables that are new and the trainings under way. EARLIER: the FOLDER of a job before, which is
# gone on with. What comes back is put in its place by
#
#   python scripts/pack.py FOLDER --results results/edition2 --store "$MODLIB_STORE" --unpack
#
# It runs in any copy of the tree, without .git and without a network, with .venv where there is
# one, else python3, or the Python that MODLIB_PYTHON names. --dry-run: on the CPU, with the tests
# collected only, benchmarks asked for their help, and seconds of training.
set -uo pipefail

refuse() {
  echo "gpu_job.sh: $*" >&2
  exit 2
}

tree=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
device=cuda short=()
if [ "${1:-}" = --dry-run ]; then
  device=cpu short=(--for 0.008)
  shift
fi
case "${1:-}" in -*) refuse "option must be --dry-run, got '$1'" ;; esac
out=${1:-${OUT:-}} earlier=${2:-}
[ -n "$out" ] || refuse "a folder must be given, or \$OUT be set"
{ mkdir -p "$out" && [ -w "$out" ]; } 2>/dev/null || refuse "$out must be a folder that can be written"
out=$(cd "$out" && pwd)
if [ -n "$earlier" ]; then
  [ -d "$earlier" ] || refuse "$earlier must be the folder of an earlier job"
  earlier=$(cd "$earlier" && pwd)
fi
cd "$tree" || exit 2

python=${MODLIB_PYTHON:-python3}
[ -n "${MODLIB_PYTHON:-}" ] || [ ! -x .venv/bin/python ] || python=.venv/bin/python
needs='import modlib.__main__, pytest'
[ "$device" = cpu ] || needs="$needs, triton, torch; torch.zeros(1, device='cuda')"
reason=$("$python" -c "$needs" 2>&1) ||
  refuse "$python lacks what the job needs ($(tail -n 1 <<<"$reason")); see requirements.txt"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export MODLIB_STORE=$work/store OMP_NUM_THREADS=1
tables=$work/edition2 report=$out/report.txt
mkdir -p "$tables" "$MODLIB_STORE"
[ ! -d results/edition2 ] || cp -R results/edition2/. "$tables"
: >"$report"
at=(--results "$tables" --store "$MODLIB_STORE")
[ -z "$earlier" ] || "$python" scripts/pack.py "$earlier" "${at[@]}" --unpack

stages=490   # seconds in which all of them end: one that is cut takes 8 more, packing 25
[ "$device" = cuda ] || stages=3600   # a dry run is short by what it does
left() { echo $((stages - SECONDS)); }

# stage NAME SECONDS COMMAND...: run it for at most so long, or as long as there is.
stage() {
  local name=$1 most=$2 rest began status
  shift 2
  rest=$(left)
  [ "$device" = cuda ] || most=$rest
  [ "$most" -le "$rest" ] || most=$rest
  if [ "$most" -lt 1 ]; then
    echo "== $name: no time left" | tee -a "$report"
    return
  fi
  echo "== $name, $most s at most: $*" | tee -a "$report"
  began=$SECONDS
  timeout -k 8 "$most" "$@" >>"$report" 2>&1
  status=$?
  echo "== $name: $((SECONDS - began)) s, status $status" | tee -a "$report"
}

only=() bench=(--json --rounds 2)
[ "$device" = cuda ] || only=(--collect-only) bench=(--help)
files=$(grep -rl --include='test_*.py' 'pytest.mark.gpu' tests | grep -v test_gpu_job | sort)
# shellcheck disable=SC2086
stage tests 90 "$python" -m pytest -q -m gpu "${only[@]}" $files
for name in transformer ensemble clock_pizza; do
  stage "$name" 45 "$python" "benchmarks/$name.py" "${bench[@]}"
done
queue=("$python" -m modlib queue)
runs=$("${queue[@]}" list --results "$tables" 2>>"$report" | awk '/^B113/ {print $1}')
train=("${queue[@]}" run --device "$device" --results "$tables" --block 1000 "${short[@]}")
# shellcheck disable=SC2086
[ -z "$runs" ] || stage paper-B $(($(left) - 150)) "${train[@]}" $runs
stage A91 "$(($(left) - 40))" "${train[@]}" A91 A91-more A91-to-100000
stage status 40 "${queue[@]}" status --results "$tables"
than=()
[ ! -d results/edition2 ] || than=(--than results/edition2)
timeout 25 "$python" scripts/pack.py "$out" "${at[@]}" "${than[@]}" >>"$report" 2>&1
tail -c 15000000 "$report" >"$work/report" && cp "$work/report" "$report"
echo "== all of it: $SECONDS s; $(find "$out" -maxdepth 1 -type f | wc -l) files in $out"
