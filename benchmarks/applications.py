"""What the corpora are made of: two kinds of application of eight documents, and the faults planted in them.

The texts are templates for `string.Template`. Without a fault they are correct down to what the controllers
do at run time (nothing to report in the default profile); a fault is one replacement in one document.
"""

from __future__ import annotations

from dataclasses import dataclass

CANARY = {
    "Rollout": """\
# Rollout of ${app}, owned by team ${team}. The steps follow the platform's canary policy.
apiVersion: argoproj.io/v1alpha1
kind: Rollout
metadata:
  name: ${app}
  namespace: ${namespace}
  labels:
    app.kubernetes.io/name: ${app}
    app.kubernetes.io/part-of: ${team}
    app.kubernetes.io/managed-by: argocd
  annotations:
    notifications.argoproj.io/subscribe.on-rollout-aborted.slack: "${team}-alerts"
    argocd.argoproj.io/sync-wave: "2"
spec:
  replicas: ${replicas}
  revisionHistoryLimit: 3
  progressDeadlineSeconds: 600
  progressDeadlineAbort: true
  selector:
    matchLabels:
      app: ${app}
  template:
    metadata:
      labels:
        app: ${app}
        version: ${version}
      annotations:
        prometheus.io/scrape: "true"
        prometheus.io/port: "9090"
    spec:
      securityContext:
        runAsNonRoot: true
        fsGroup: 2000
      containers:
      - name: ${app}
        image: ghcr.io/acme/${app}:${version}
        imagePullPolicy: IfNotPresent
        ports:
        - name: http
          containerPort: 8080
          protocol: TCP
        - {name: metrics, containerPort: 9090}
        env:
        - name: LOG_LEVEL
          value: info
        - name: FEATURE_CHECKOUT
          value: "true"   # quoted: must stay a string
        - name: DB_PASSWORD
          valueFrom:
            secretKeyRef:
              name: ${app}-db
              key: password
        resources:
          requests:
            memory: "128Mi"
            cpu: "100m"
          limits:
            memory: "256Mi"
            cpu: 500m
        readinessProbe:
          httpGet:
            path: /health
            port: http
          initialDelaySeconds: 5
          periodSeconds: 5
        livenessProbe:
          httpGet: {path: /live, port: http}
          periodSeconds: 10
  strategy:
    canary:
      canaryService: ${app}-canary
      trafficRouting:
        istio:
          virtualService:
            name: ${app}-routes
            routes:
            - primary
          destinationRule:
            name: ${app}-subsets
            canarySubsetName: canary
            stableSubsetName: stable
      analysis:
        templates:
        - templateName: ${app}-success-rate
        startingStep: 2      # once the first weight has been measured for five minutes
        args:
        - name: service-name
          value: ${app}-canary
        - name: namespace
          valueFrom:
            fieldRef:
              fieldPath: metadata.namespace
      steps:
      - setWeight: 5
      - pause: {duration: 5m}
      - analysis:
          templates:
          - templateName: ${app}-latency
          args:
          - name: service-name   # latency of the canary alone
            value: ${app}-canary
      - setWeight: 25
      - pause: {duration: 10m}
      - setWeight: 50
      - pause: {duration: 15m}
""",
    "Service": """\
# Both versions: what clients call. The DestinationRule divides it into subsets.
apiVersion: v1
kind: Service
metadata:
  name: ${app}
  namespace: ${namespace}
  labels:
    app: ${app}
spec:
  type: ClusterIP
  selector:
    app: ${app}
  ports:
  - name: http
    port: 80
    targetPort: http
    protocol: TCP
""",
    "Service 2": """\
# The canary alone: what its metrics are labelled with.
apiVersion: v1
kind: Service
metadata:
  name: ${app}-canary
  namespace: ${namespace}
  labels:
    app: ${app}
    role: canary
spec:
  type: ClusterIP
  selector:
    app: ${app}
  ports:
  - name: http
    port: 80
    targetPort: http
    protocol: TCP
""",
    "VirtualService": """\
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata:
  name: ${app}-routes
  namespace: ${namespace}
spec:
  hosts:
  - ${app}
  http:
  - name: primary   # its weights belong to the rollouts controller
    timeout: 15s
    retries:
      attempts: 3
      perTryTimeout: 2s
      retryOn: gateway-error,connect-failure,refused-stream
    route:
    - destination:
        host: ${app}
        subset: stable
      weight: 100
    - destination:
        host: ${app}
        subset: canary
      weight: 0
""",
    "DestinationRule": """\
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata:
  name: ${app}-subsets
  namespace: ${namespace}
spec:
  host: ${app}
  trafficPolicy:
    connectionPool:
      http: {http1MaxPendingRequests: 100, maxRequestsPerConnection: 10}
    outlierDetection:
      consecutive5xxErrors: 5
      interval: 10s
      baseEjectionTime: 30s
  subsets:
  - name: stable
    labels:
      app: ${app}
  - name: canary
    labels:
      app: ${app}
""",
    "AnalysisTemplate": """\
# Background analysis of ${app}: no count, so that it measures until the rollout ends.
apiVersion: argoproj.io/v1alpha1
kind: AnalysisTemplate
metadata:
  name: ${app}-success-rate
  namespace: ${namespace}
spec:
  args:
  - name: service-name
  - name: namespace
    value: ${namespace}
  metrics:
  - name: success-rate
    interval: 60s
    initialDelay: 2m
    successCondition: len(result) > 0 && result[0] >= 0.99   # no traffic is no success
    failureLimit: 1
    consecutiveErrorLimit: 4
    provider:
      prometheus:
        address: http://prometheus-operated.monitoring:9090
        query: |
          1 - (
            (
              sum(rate(http_requests_total{
                service="{{args.service-name}}",
                namespace="{{args.namespace}}",
                status=~"5.."
              }[2m])) or vector(0)
            )
            /
            (
              sum(rate(http_requests_total{
                service="{{args.service-name}}",
                namespace="{{args.namespace}}"
              }[2m])) > 0
            )
          )
""",
    "AnalysisTemplate 2": """\
apiVersion: argoproj.io/v1alpha1
kind: AnalysisTemplate
metadata:
  name: ${app}-latency
  namespace: ${namespace}
spec:
  args:
  - name: service-name
  - name: quantile
    value: "0.99"
  - name: log-token
    valueFrom:
      secretKeyRef:
        name: log-api
        key: token
  metrics:
  - name: latency
    interval: 1m
    count: 5
    successCondition: len(result) > 0 && result[0] <= 500
    failureLimit: 1
    provider:
      prometheus:
        address: http://prometheus-operated.monitoring:9090
        timeout: 40
        query: >-
          histogram_quantile({{args.quantile}},
            sum(rate(http_request_duration_seconds_bucket{service="{{args.service-name}}"}[5m])) by (le)
          ) * 1000
          and on() (sum(rate(http_request_duration_seconds_count{service="{{args.service-name}}"}[5m])) > 0)
  - name: error-log-count
    interval: 2m
    count: 3
    successCondition: result <= 10
    failureLimit: 1
    provider:
      web:
        url: "https://logs.example.com/api/v1/count?service={{args.service-name}}"
        timeoutSeconds: 20
        headers:
        - key: Authorization
          value: "Bearer {{args.log-token}}"
        jsonPath: "{$$.data.count}"
""",
    "Application": """\
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata:
  name: ${app}
  namespace: argocd
  finalizers:
  - resources-finalizer.argocd.argoproj.io
spec:
  project: ${team}
  source:
    repoURL: https://github.com/acme/config-repo.git
    targetRevision: main
${path}
  destination:
    server: https://kubernetes.default.svc
    namespace: ${namespace}
  syncPolicy:
    automated:
      prune: true
      selfHeal: true
    syncOptions:
    - CreateNamespace=true
    - ApplyOutOfSyncOnly=true
    retry:
      limit: 5
      backoff: {duration: 5s, factor: 2, maxDuration: 3m}
  # during a release the rollouts controller owns these weights
  ignoreDifferences:
  - group: networking.istio.io
    kind: VirtualService
    name: ${app}-routes
    jqPathExpressions:
    - .spec.http[]?.route[]?.weight
""",
}

BLUE_GREEN = {
    "Rollout": """\
# Blue-green Rollout of ${app}, owned by team ${team}.
apiVersion: argoproj.io/v1alpha1
kind: Rollout
metadata:
  name: ${app}
  namespace: ${namespace}
  labels:
    app.kubernetes.io/name: ${app}
    app.kubernetes.io/part-of: ${team}
spec:
  replicas: ${replicas}
  revisionHistoryLimit: 3
  progressDeadlineAbort: true
  selector:
    matchLabels:
      app: ${app}
  template:
    metadata:
      labels:
        app: ${app}
    spec:
      containers:
      - name: ${app}
        image: ghcr.io/acme/${app}:${version}
        args: ["--port=8080", "--grace=30s"]
        ports:
        - name: http
          containerPort: 8080
        resources:
          requests: {memory: 128Mi, cpu: 100m}
          limits:
            memory: 256Mi
            cpu: 200m
        readinessProbe:
          httpGet:
            path: /health
            port: http
          initialDelaySeconds: 5
  strategy:
    blueGreen:
      activeService: ${app}-active      # what users reach
      previewService: ${app}-preview    # what the smoke test reaches
      autoPromotionSeconds: 600
      scaleDownDelaySeconds: 900        # longer than the analysis after promotion
      prePromotionAnalysis:
        templates:
        - templateName: ${app}-smoke
        args:
        - name: service-name
          value: ${app}-preview
      postPromotionAnalysis:
        templates:
        - templateName: ${app}-success-rate
        args:
        - name: service-name
          value: ${app}-active
""",
    "Service": """\
apiVersion: v1
kind: Service
metadata:
  name: ${app}-active
  namespace: ${namespace}
  labels:
    app: ${app}
    role: active
spec:
  type: ClusterIP
  selector:
    app: ${app}
  ports:
  - name: http
    port: 80
    targetPort: http
    protocol: TCP
""",
    "Service 2": """\
apiVersion: v1
kind: Service
metadata:
  name: ${app}-preview
  namespace: ${namespace}
  labels:
    app: ${app}
    role: preview
spec:
  type: ClusterIP
  selector:
    app: ${app}
  ports:
  - name: http
    port: 80
    targetPort: http
    protocol: TCP
""",
    "VirtualService": """\
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata:
  name: ${app}-routes
  namespace: ${namespace}
spec:
  hosts:
  - ${app}-active
  http:
  - name: primary
    timeout: 15s
    retries:
      attempts: 3
      perTryTimeout: 2s
      retryOn: gateway-error,connect-failure,refused-stream
    route:
    - destination:
        host: ${app}-active
""",
    "DestinationRule": """\
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata:
  name: ${app}-policy
  namespace: ${namespace}
spec:
  host: ${app}-active
  trafficPolicy:
    connectionPool:
      http: {http1MaxPendingRequests: 100, maxRequestsPerConnection: 10}
    outlierDetection:
      consecutive5xxErrors: 5
      interval: 10s
      baseEjectionTime: 30s
""",
    "AnalysisTemplate": """\
# Smoke test of ${app} before promotion: the preview has no traffic that could be measured.
apiVersion: argoproj.io/v1alpha1
kind: AnalysisTemplate
metadata:
  name: ${app}-smoke
  namespace: ${namespace}
spec:
  args:
  - name: service-name
  metrics:
  - name: smoke
    interval: 30s
    count: 3
    successCondition: result == 0
    failureLimit: 1
    provider:
      web:
        url: "http://smoke.testing.svc.cluster.local/run?target={{args.service-name}}.${namespace}"
        timeoutSeconds: 20
        jsonPath: "{$$.failures}"
""",
    "AnalysisTemplate 2": """\
# Success rate of ${app} once it has all traffic.
apiVersion: argoproj.io/v1alpha1
kind: AnalysisTemplate
metadata:
  name: ${app}-success-rate
  namespace: ${namespace}
spec:
  args:
  - name: service-name
  metrics:
  - name: success-rate
    interval: 60s
    count: 5
    initialDelay: 2m
    successCondition: len(result) > 0 && result[0] >= 0.99
    failureLimit: 1
    provider:
      prometheus:
        address: http://prometheus-operated.monitoring:9090
        query: |
          1 - (
            (sum(rate(http_requests_total{service="{{args.service-name}}", status=~"5.."}[2m])) or vector(0))
            /
            (sum(rate(http_requests_total{service="{{args.service-name}}"}[2m])) > 0)
          )
""",
    "Application": """\
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata:
  name: ${app}
  namespace: argocd
  finalizers:
  - resources-finalizer.argocd.argoproj.io
spec:
  project: ${team}
  source:
    repoURL: https://github.com/acme/config-repo.git
    targetRevision: main
${path}
  destination:
    server: https://kubernetes.default.svc
    namespace: ${namespace}
  syncPolicy:
    automated:
      prune: true
      selfHeal: true
    syncOptions:
    - CreateNamespace=true
    - ApplyOutOfSyncOnly=true
    retry:
      limit: 5
      backoff: {duration: 5s, factor: 2, maxDuration: 3m}
""",
}


@dataclass(frozen=True, slots=True)
class Fault:
    """One mistake: in `document`, the one occurrence of `good` becomes `bad` (both before substitution)."""

    name: str
    document: str
    good: str
    bad: str


CANARY_FAULTS = (
    Fault("pause-without-duration", "Rollout", "pause: {duration: 5m}", "pause: {}"),
    Fault("pause-duration-unparsable", "Rollout", "{duration: 10m}", "{duration: 10 minutes}"),
    Fault(
        "field-of-another-strategy",
        "Rollout",
        "    canary:\n",
        "    canary:\n      autoPromotionEnabled: false\n",
    ),
    Fault("step-field-misspelled", "Rollout", "setWeight: 25", "setweight: 25"),
    Fault("background-template-missing", "Rollout", "${app}-success-rate", "${app}-success-ratio"),
    Fault("step-template-missing", "Rollout", "templateName: ${app}-latency", "templateName: ${app}-p99"),
    Fault(
        "argument-not-passed",
        "Rollout",
        "name: service-name   # latency of the canary alone",
        "name: service   # latency of the canary alone",
    ),
    Fault(
        "template-label-differs",
        "Rollout",
        "      labels:\n        app: ${app}\n",
        "      labels:\n        app: ${app}-v2\n",
    ),
    Fault("canary-subset-unknown", "Rollout", "canarySubsetName: canary", "canarySubsetName: canaries"),
    Fault("route-name-unknown", "VirtualService", "name: primary ", "name: main "),
    Fault("virtual-service-missing", "VirtualService", "name: ${app}-routes", "name: ${app}-vsvc"),
    Fault("weight-is-a-string", "VirtualService", "weight: 100", 'weight: "100"'),
    Fault("weights-not-at-rest", "VirtualService", "weight: 100", "weight: 80"),
    Fault("subset-not-defined", "DestinationRule", "name: canary", "name: next"),
    Fault("destination-rule-missing", "DestinationRule", "name: ${app}-subsets", "name: ${app}-destrule"),
    Fault("canary-service-missing", "Service 2", "name: ${app}-canary", "name: ${app}-canary-old"),
    Fault(
        "canary-service-selects-nothing",
        "Service 2",
        "selector:\n    app: ${app}",
        "selector:\n    app: ${app}-canary",
    ),
    Fault(
        "argument-undeclared",
        "AnalysisTemplate 2",
        "histogram_quantile({{args.quantile}}",
        "histogram_quantile({{args.phi}}",
    ),
    Fault("index-forgotten", "AnalysisTemplate 2", "len(result) > 0 && result[0] <= 500", "result <= 500"),
    Fault("step-metric-endless", "AnalysisTemplate 2", "    interval: 1m\n    count: 5\n", "    interval: 1m\n"),
    Fault(
        "limit-never-fails",
        "AnalysisTemplate 2",
        "    count: 5\n    successCondition: len(result) > 0 && result[0] <= 500\n    failureLimit: 1\n",
        "    count: 5\n    successCondition: len(result) > 0 && result[0] <= 500\n    failureLimit: 5\n",
    ),
    Fault("no-data-passes", "AnalysisTemplate", "len(result) > 0 &&", "len(result) == 0 ||"),
    Fault("query-unparsable", "AnalysisTemplate", "  }[2m])) or vector(0)", "  }[2m]) or vector(0)"),
    Fault(
        "no-ignore-differences",
        "Application",
        "  # during a release the rollouts controller owns these weights\n"
        "  ignoreDifferences:\n"
        "  - group: networking.istio.io\n"
        "    kind: VirtualService\n"
        "    name: ${app}-routes\n"
        "    jqPathExpressions:\n"
        "    - .spec.http[]?.route[]?.weight\n",
        "",
    ),
    Fault("ignore-without-group", "Application", "- group: networking.istio.io\n    kind", "- kind"),
    Fault("jq-unparsable", "Application", ".spec.http[]?.route[]?.weight", ".spec.http[?.route[].weight"),
    Fault(
        "image-ignored",
        "Application",
        "    - .spec.http[]?.route[]?.weight\n",
        "    - .spec.http[]?.route[]?.weight\n"
        "  - group: argoproj.io\n"
        "    kind: Rollout\n"
        "    jsonPointers:\n"
        "    - /spec/template/spec/containers/0/image\n",
    ),
    Fault("sync-option-case", "Application", "ApplyOutOfSyncOnly=true", "ApplyOutOfSyncOnly=True"),
)

BLUE_GREEN_FAULTS = (
    Fault(
        "field-of-another-strategy",
        "Rollout",
        "    blueGreen:\n",
        "    blueGreen:\n      canaryService: ${app}-preview\n",
    ),
    Fault(
        "promotion-never",
        "Rollout",
        "      autoPromotionSeconds",
        "      autoPromotionEnabled: false\n      autoPromotionSeconds",
    ),
    Fault("same-service-twice", "Rollout", "previewService: ${app}-preview ", "previewService: ${app}-active "),
    Fault("old-version-kept-for-ever", "Rollout", "scaleDownDelaySeconds: 900", "scaleDownDelaySeconds: 0"),
    Fault(
        "pre-promotion-template-missing",
        "Rollout",
        "templateName: ${app}-smoke",
        "templateName: ${app}-smoke-test",
    ),
    Fault(
        "argument-not-passed",
        "Rollout",
        "- name: service-name\n          value: ${app}-preview",
        "- name: service\n          value: ${app}-preview",
    ),
    Fault("preview-service-missing", "Service 2", "name: ${app}-preview", "name: ${app}-green"),
    Fault(
        "active-service-selects-nothing",
        "Service",
        "selector:\n    app: ${app}",
        "selector:\n    app: ${app}-active",
    ),
    Fault("step-metric-endless", "AnalysisTemplate 2", "    count: 5\n", ""),
    Fault(
        "weight-is-a-string",
        "VirtualService",
        "        host: ${app}-active\n",
        '        host: ${app}-active\n      weight: "100"\n',
    ),
    Fault(
        "destination-host-missing",
        "VirtualService",
        "        host: ${app}-active",
        "        host: ${app}-blue",
    ),
    Fault("sync-option-case", "Application", "CreateNamespace=true", "createNamespace=true"),
)
