#!/usr/bin/env bash
# A person's tour with kubectl through one namespace. Says before each step what it is, and after it how it ended.
# Needs KUBECONFIG, NAMESPACE (empty, its service account made) and IMAGE (with sh, echo, sleep, cat, env).
set -u
k() { kubectl --namespace "$NAMESPACE" "$@"; }
step() {
  printf '### %s\n' "$1"
  shift
  "$@" 2>&1
  printf '### exit %s\n' "$?"
}
manifest() {
  cat <<YAML
apiVersion: v1
kind: Pod
metadata:
  name: $1
  labels: {app: tour, role: $2}
  annotations: {genet.io/note: first}
spec:
  terminationGracePeriodSeconds: 1
  containers:
  - name: main
    image: $IMAGE
    command: [sh, -c, "echo one; echo two; trap 'exit 0' TERM; sleep 3600 & wait"]
    env: [{name: COLOUR, value: green}]
    resources:
      requests: {cpu: 10m, memory: 16Mi}
      limits: {cpu: 100m, memory: 64Mi}
  nodeSelector: {${3:-}}
YAML
}
create() { manifest "$@" | k create -f -; }
has() { for _ in $(seq 600); do grep -q "$1" "$SCRATCH" && return; sleep 0.1; done; return 1; }
watched() {
  kubectl --namespace "$NAMESPACE" get pods --watch --output-watch-events -l 'role in (web,brief)' \
    -o 'jsonpath={.type}{" "}{.object.metadata.name}{"\n"}' > "$SCRATCH" &
  local watching=$!
  has 'ADDED one' # it has begun
  create brief brief > /dev/null
  has 'ADDED brief' && k delete pod brief --wait=false > /dev/null
  has 'DELETED brief'
  kill "$watching"
  grep -E 'ADDED|DELETED' "$SCRATCH"
}

step api-versions kubectl api-versions
step get-nothing k get pods
step create create one web
step create-again create one web
step create-bad k create -f - <<< '{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "UPPER"}, "spec": {"containers": []}}'
step create-unschedulable create waits db "genet.io/no-such-node: 'true'"
step wait k wait --for=condition=Ready pod/one --timeout=90s
step get k get pods
step get-wide k get pods -o wide
step get-names k get pods -o name
step get-missing k get pod missing
step get-columns k get pod one -o 'custom-columns=NAME:.metadata.name,PHASE:.status.phase,QOS:.status.qosClass'
step get-yaml k get pod one -o yaml
step describe k describe pod one
step describe-unschedulable k describe pod waits
step logs k logs one
step logs-tail k logs one --tail=1
step exec k exec one -- sh -c 'echo "$COLOUR"; cat /etc/hostname'
step exec-stdin k exec -i one -- cat <<< 'to and fro'
step exec-exit k exec one -- sh -c 'exit 7'
step annotate k annotate pod one genet.io/note=second --overwrite
step annotate-stale k annotate pod one genet.io/note=third --overwrite --resource-version=1
step annotation k get pod one -o 'jsonpath={.metadata.annotations.genet\.io/note}{"\n"}'
step annotate-away k annotate pod one genet.io/note-
step label k label pod one tier=gold
step labels-shown k get pod one --show-labels
step label-selector k get pods -l 'role in (web),tier' -o name
step label-selector-not k get pods -l 'app=tour,role!=web' -o name
step field-selector k get pods --field-selector=status.phase=Running -o name
step field-selector-name k get pods --field-selector=metadata.name!=one -o name
step field-selector-bad k get pods --field-selector=spec.colour=red
step patch-forbidden k patch pod one --dry-run=server -p '{"spec": {"nodeName": "elsewhere"}}'
step events k get events --field-selector involvedObject.name=one -o 'custom-columns=TYPE:.type,REASON:.reason,FROM:.source.component' --sort-by=.reason
step events-unschedulable k get events --field-selector involvedObject.name=waits,reason=FailedScheduling -o 'jsonpath={.items[0].reason}{"\n"}'
step quota k create quota small --hard=pods=2
step quota-kept k wait quota/small --for=jsonpath='{.status.used.pods}'=2 --timeout=30s
step quota-exceeded create three web
step delete-quota k delete quota small
step watch watched
step delete k delete pod one
step delete-again k delete pod one
step delete-selected k delete pods -l role=db
step get-nothing-left k get pods
