{{- define "genet.fullname" -}}
{{- .Values.fullnameOverride | default .Release.Name | trunc 44 | trimSuffix "-" -}}
{{- end -}}

{{- /* Labels that select the pods of one component; a Deployment cannot change them. Call with (dict "root" $ "component" "backend"). */ -}}
{{- define "genet.selector" -}}
app.kubernetes.io/name: genet
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end -}}

{{- define "genet.labels" -}}
{{ include "genet.selector" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version }}
{{- end -}}

{{- define "genet.image" -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end -}}

{{- define "genet.grantsNamespace" -}}
{{ include "genet.fullname" . }}-grants
{{- end -}}

{{- define "genet.jobsNamespace" -}}
{{ include "genet.fullname" . }}-jobs
{{- end -}}

{{- /* The host name in config.server.publicURL, without port; nothing where there is no URL. */ -}}
{{- define "genet.publicHost" -}}
{{- with .Values.config.server.publicURL -}}
{{- (urlParse .).hostname -}}
{{- end -}}
{{- end -}}

{{- /* "true" if a proxy runs beside Genet in its pods. */ -}}
{{- define "genet.hasSidecar" -}}
{{- if and (eq .Values.config.auth.mode "proxy") .Values.proxy.sidecar -}}
true
{{- end -}}
{{- end -}}

{{- /* What the operator set, and the few things only the chart knows. */ -}}
{{- define "genet.config" -}}
{{- $own := dict
      "server" (dict "metricsPort" 9090)
      "kubernetes" (dict
        "serviceAccount" (printf "%s/%s" .Release.Namespace (include "genet.fullname" .))
        "grantsNamespace" (include "genet.grantsNamespace" .))
      "commit" (dict "namespace" (include "genet.jobsNamespace" .)) -}}
{{- if .Values.tls.secretName -}}
{{- $_ := set $own.server "tls" (dict "certFile" "/etc/genet-tls/tls.crt" "keyFile" "/etc/genet-tls/tls.key") -}}
{{- end -}}
{{- if .Values.oauthCA.configMap -}}
{{- $_ := set $own "oauth" (dict "caFile" "/etc/genet-oauth-ca/ca.crt") -}}
{{- end -}}
{{- mergeOverwrite (deepCopy .Values.config) $own | toYaml -}}
{{- end -}}

{{- /* Settings that are secret, from the operator's own Secret. */ -}}
{{- define "genet.secretEnv" -}}
{{- $variables := dict
      "oauthClientSecret" "GENET_OAUTH__CLIENT_SECRET"
      "proxySecret" "GENET_AUTH__PROXY__SECRET"
      "oidcClients" "GENET_OIDC_PROVIDER__CLIENTS"
      "pullSecrets" "GENET_POD__PULL_SECRETS" -}}
{{- range $value, $variable := $variables }}
{{- with get $.Values.secrets.keys $value }}
- name: {{ $variable }}
  valueFrom:
    secretKeyRef:
      name: {{ $.Values.secrets.existingSecret }}
      key: {{ . }}
{{- end }}
{{- end }}
{{- end -}}

{{- /* "true" if the cluster serves what Kubernetes 1.21 brought: plain `helm template` knows API groups but not their kinds. */ -}}
{{- define "genet.serves" -}}
{{- if or (.root.Capabilities.APIVersions.Has .kind) (semverCompare ">=1.21.0-0" .root.Capabilities.KubeVersion.Version) -}}
true
{{- end -}}
{{- end -}}

{{- /* Parts that the server's pods and the clean-up's pods have in common: Pod Security `restricted`. */ -}}
{{- define "genet.podSecurityContext" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
seccompProfile:
  type: RuntimeDefault
{{- end -}}

{{- define "genet.containerSecurityContext" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end -}}

{{- define "genet.volumes" -}}
- name: config
  configMap:
    name: {{ include "genet.fullname" . }}
- name: tmp
  emptyDir: {}
{{- end -}}

{{- define "genet.volumeMounts" -}}
- name: config
  mountPath: /etc/genet
  readOnly: true
- name: tmp
  mountPath: /tmp
{{- end -}}

{{- define "genet.imagePullSecrets" -}}
{{- with .Values.image.pullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
{{- end -}}

{{- define "genet.servesAdmissionPolicies" -}}
{{- if or (.Capabilities.APIVersions.Has "admissionregistration.k8s.io/v1/ValidatingAdmissionPolicy") (semverCompare ">=1.30.0-0" .Capabilities.KubeVersion.Version) -}}
true
{{- end -}}
{{- end -}}

{{- /* Words as the inside of a list in CEL. The schema keeps quotes and backslashes out of them. */ -}}
{{- define "genet.celWords" -}}
{{- range $index, $word := . -}}
{{- if $index }}, {{ end }}'{{ $word }}'
{{- end -}}
{{- end -}}
