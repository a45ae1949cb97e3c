{{- define "webapp.labels" -}}
app.kubernetes.io/name: webapp
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end }}

{{- define "webapp.all" -}}
app.kubernetes.io/name: webapp
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- /* The labels of pods that get requests. Pods of migrations and tests do not have all of them. */}}
{{- define "webapp.selector" -}}
{{ include "webapp.all" . }}
app.kubernetes.io/component: server
{{- end }}

{{- define "webapp.image" -}}
{{- if .Values.image.digest -}}
{{ .Values.image.repository }}@{{ .Values.image.digest }}
{{- else -}}
{{ .Values.image.repository }}:{{ .Values.image.tag }}
{{- end -}}
{{- end }}

{{- /* A digest of zeros stands for the image until the pipeline has written one. Without an image, the release has no
pods: pods that cannot start would make Argo CD try the same revision for as long as it takes to give up. */}}
{{- define "webapp.released" -}}
{{- if ne .Values.image.digest (printf "sha256:%064d" 0) -}}true{{- end -}}
{{- end }}

{{- define "webapp.podSecurity" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
fsGroup: 65532
seccompProfile: {type: RuntimeDefault}
{{- end }}

{{- define "webapp.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
runAsNonRoot: true
capabilities: {drop: [ALL]}
{{- end }}

{{- define "webapp.databaseEnv" -}}
- {name: DATABASE_URL_FILE, value: /var/run/secrets/webapp/DATABASE_URL}
{{- end }}
