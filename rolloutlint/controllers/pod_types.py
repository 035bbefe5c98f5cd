"""The fields of pod templates and of canary steps with their Go types: what the Rollouts controller can read at all.

Mirrors `k8s.io/api/core/v1` of Kubernetes 1.34, as argo-rollouts 1.9 has it, and argo-rollouts
`pkg/apis/rollouts/v1alpha1/types.go`. What is not here is lost when the controller reads an object.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

FIELDS: Mapping[str, str] = {
    "AWSElasticBlockStoreVolumeSource": "fsType partition readOnly volumeID",
    "Affinity": "nodeAffinity:*NodeAffinity podAffinity:*PodAffinity podAntiAffinity:*PodAntiAffinity",
    "AnalysisRunArgument": "name value valueFrom:*ArgumentValueFrom",
    "AnalysisRunMetadata": "annotations:{} labels:{}",
    "AnalysisTemplateRef": "clusterScope:* templateName",
    "AppArmorProfile": "localhostProfile:* type",
    "ArgumentValueFrom": "fieldRef:*FieldRef podTemplateHashValue:*",
    "AzureDiskVolumeSource": "cachingMode:* diskName diskURI fsType:* kind:* readOnly:*",
    "AzureFileVolumeSource": "readOnly secretName shareName",
    "CSIVolumeSource": "driver fsType:* nodePublishSecretRef:*LocalObjectReference readOnly:* volumeAttributes:{}",
    "CanaryStep": (
        "analysis:*RolloutAnalysis experiment:*RolloutExperimentStep pause:*RolloutPause plugin:*PluginStep "
        "setCanaryScale:*SetCanaryScale setHeaderRoute:*SetHeaderRoute setMirrorRoute:*SetMirrorRoute setWeight:*"
    ),
    "Capabilities": "add:[] drop:[]",
    "CephFSVolumeSource": "monitors:[] path readOnly secretFile secretRef:*LocalObjectReference user",
    "CinderVolumeSource": "fsType readOnly secretRef:*LocalObjectReference volumeID",
    "ClusterTrustBundleProjection": "labelSelector:*LabelSelector name:* optional:* path signerName:*",
    "ConfigMapEnvSource": "name optional:*",
    "ConfigMapKeySelector": "key name optional:*",
    "ConfigMapProjection": "items:[]KeyToPath name optional:*",
    "ConfigMapVolumeSource": "defaultMode:* items:[]KeyToPath name optional:*",
    "Container": (
        "args:[] command:[] env:[]EnvVar envFrom:[]EnvFromSource image imagePullPolicy lifecycle:*Lifecycle "
        "livenessProbe:*Probe name ports:[]ContainerPort readinessProbe:*Probe resizePolicy:[]ContainerResizePolicy "
        "resources:ResourceRequirements restartPolicy:* restartPolicyRules:[]ContainerRestartRule "
        "securityContext:*SecurityContext startupProbe:*Probe stdin stdinOnce terminationMessagePath "
        "terminationMessagePolicy tty volumeDevices:[]VolumeDevice volumeMounts:[]VolumeMount workingDir"
    ),
    "ContainerPort": "containerPort hostIP hostPort name protocol",
    "ContainerResizePolicy": "resourceName restartPolicy",
    "ContainerRestartRule": "action exitCodes:*ContainerRestartRuleOnExitCodes",
    "ContainerRestartRuleOnExitCodes": "operator values:[]",
    "DownwardAPIProjection": "items:[]DownwardAPIVolumeFile",
    "DownwardAPIVolumeFile": "fieldRef:*ObjectFieldSelector mode:* path resourceFieldRef:*ResourceFieldSelector",
    "DownwardAPIVolumeSource": "defaultMode:* items:[]DownwardAPIVolumeFile",
    "DryRun": "metricName",
    "EmptyDirVolumeSource": "medium sizeLimit:*Q",
    "EnvFromSource": "configMapRef:*ConfigMapEnvSource prefix secretRef:*SecretEnvSource",
    "EnvVar": "name value valueFrom:*EnvVarSource",
    "EnvVarSource": (
        "configMapKeyRef:*ConfigMapKeySelector fieldRef:*ObjectFieldSelector fileKeyRef:*FileKeySelector "
        "resourceFieldRef:*ResourceFieldSelector secretKeyRef:*SecretKeySelector"
    ),
    "EphemeralContainer": (
        "args:[] command:[] env:[]EnvVar envFrom:[]EnvFromSource image imagePullPolicy lifecycle:*Lifecycle "
        "livenessProbe:*Probe name ports:[]ContainerPort readinessProbe:*Probe resizePolicy:[]ContainerResizePolicy "
        "resources:ResourceRequirements restartPolicy:* restartPolicyRules:[]ContainerRestartRule "
        "securityContext:*SecurityContext startupProbe:*Probe stdin stdinOnce targetContainerName "
        "terminationMessagePath terminationMessagePolicy tty volumeDevices:[]VolumeDevice volumeMounts:[]VolumeMount "
        "workingDir"
    ),
    "EphemeralVolumeSource": "volumeClaimTemplate:*PersistentVolumeClaimTemplate",
    "ExecAction": "command:[]",
    "FCVolumeSource": "fsType lun:* readOnly targetWWNs:[] wwids:[]",
    "FieldRef": "fieldPath",
    "FileKeySelector": "key optional:* path volumeName",
    "FlexVolumeSource": "driver fsType options:{} readOnly secretRef:*LocalObjectReference",
    "FlockerVolumeSource": "datasetName datasetUUID",
    "GCEPersistentDiskVolumeSource": "fsType partition pdName readOnly",
    "GRPCAction": "port service:*",
    "GitRepoVolumeSource": "directory repository revision",
    "GlusterfsVolumeSource": "endpoints path readOnly",
    "HTTPGetAction": "host httpHeaders:[]HTTPHeader path port:I scheme",
    "HTTPHeader": "name value",
    "HeaderRoutingMatch": "headerName headerValue:*StringMatch",
    "HostAlias": "hostnames:[] ip",
    "HostPathVolumeSource": "path type:*",
    "ISCSIVolumeSource": (
        "chapAuthDiscovery chapAuthSession fsType initiatorName:* iqn iscsiInterface lun portals:[] readOnly "
        "secretRef:*LocalObjectReference targetPortal"
    ),
    "ImageVolumeSource": "pullPolicy reference",
    "KeyToPath": "key mode:* path",
    "LabelSelector": "matchExpressions:[]LabelSelectorRequirement matchLabels:{}",
    "LabelSelectorRequirement": "key operator values:[]",
    "Lifecycle": "postStart:*LifecycleHandler preStop:*LifecycleHandler stopSignal:*",
    "LifecycleHandler": "exec:*ExecAction httpGet:*HTTPGetAction sleep:*SleepAction tcpSocket:*TCPSocketAction",
    "LocalObjectReference": "name",
    "MeasurementRetention": "limit metricName",
    "NFSVolumeSource": "path readOnly server",
    "NodeAffinity": (
        "preferredDuringSchedulingIgnoredDuringExecution:[]PreferredSchedulingTerm "
        "requiredDuringSchedulingIgnoredDuringExecution:*NodeSelector"
    ),
    "NodeSelector": "nodeSelectorTerms:[]NodeSelectorTerm",
    "NodeSelectorRequirement": "key operator values:[]",
    "NodeSelectorTerm": "matchExpressions:[]NodeSelectorRequirement matchFields:[]NodeSelectorRequirement",
    "ObjectFieldSelector": "apiVersion fieldPath",
    "ObjectMeta": (
        "annotations:{} creationTimestamp deletionGracePeriodSeconds:* deletionTimestamp:* finalizers:[] generateName "
        "generation labels:{} managedFields:[]A name namespace ownerReferences:[]A resourceVersion selfLink uid"
    ),
    "PersistentVolumeClaimSpec": (
        "accessModes:[] dataSource:*TypedLocalObjectReference dataSourceRef:*TypedObjectReference "
        "resources:VolumeResourceRequirements selector:*LabelSelector storageClassName:* volumeAttributesClassName:* "
        "volumeMode:* volumeName"
    ),
    "PersistentVolumeClaimTemplate": "metadata:ObjectMeta spec:PersistentVolumeClaimSpec",
    "PersistentVolumeClaimVolumeSource": "claimName readOnly",
    "PhotonPersistentDiskVolumeSource": "fsType pdID",
    "PluginStep": "config:A name",
    "PodAffinity": (
        "preferredDuringSchedulingIgnoredDuringExecution:[]WeightedPodAffinityTerm "
        "requiredDuringSchedulingIgnoredDuringExecution:[]PodAffinityTerm"
    ),
    "PodAffinityTerm": (
        "labelSelector:*LabelSelector matchLabelKeys:[] mismatchLabelKeys:[] namespaceSelector:*LabelSelector "
        "namespaces:[] topologyKey"
    ),
    "PodAntiAffinity": (
        "preferredDuringSchedulingIgnoredDuringExecution:[]WeightedPodAffinityTerm "
        "requiredDuringSchedulingIgnoredDuringExecution:[]PodAffinityTerm"
    ),
    "PodCertificateProjection": (
        "certificateChainPath credentialBundlePath keyPath keyType maxExpirationSeconds:* signerName"
    ),
    "PodDNSConfig": "nameservers:[] options:[]PodDNSConfigOption searches:[]",
    "PodDNSConfigOption": "name value:*",
    "PodOS": "name",
    "PodReadinessGate": "conditionType",
    "PodResourceClaim": "name resourceClaimName:* resourceClaimTemplateName:*",
    "PodSchedulingGate": "name",
    "PodSecurityContext": (
        "appArmorProfile:*AppArmorProfile fsGroup:* fsGroupChangePolicy:* runAsGroup:* runAsNonRoot:* runAsUser:* "
        "seLinuxChangePolicy:* seLinuxOptions:*SELinuxOptions seccompProfile:*SeccompProfile supplementalGroups:[] "
        "supplementalGroupsPolicy:* sysctls:[]Sysctl windowsOptions:*WindowsSecurityContextOptions"
    ),
    "PodSpec": (
        "activeDeadlineSeconds:* affinity:*Affinity automountServiceAccountToken:* containers:[]Container "
        "dnsConfig:*PodDNSConfig dnsPolicy enableServiceLinks:* ephemeralContainers:[]EphemeralContainer "
        "hostAliases:[]HostAlias hostIPC hostNetwork hostPID hostUsers:* hostname hostnameOverride:* "
        "imagePullSecrets:[]LocalObjectReference initContainers:[]Container nodeName nodeSelector:{} os:*PodOS "
        "overhead:{}Q preemptionPolicy:* priority:* priorityClassName readinessGates:[]PodReadinessGate "
        "resourceClaims:[]PodResourceClaim resources:*ResourceRequirements restartPolicy runtimeClassName:* "
        "schedulerName schedulingGates:[]PodSchedulingGate securityContext:*PodSecurityContext serviceAccount "
        "serviceAccountName setHostnameAsFQDN:* shareProcessNamespace:* subdomain terminationGracePeriodSeconds:* "
        "tolerations:[]Toleration topologySpreadConstraints:[]TopologySpreadConstraint volumes:[]Volume"
    ),
    "PodTemplateMetadata": "annotations:{} labels:{}",
    "PodTemplateSpec": "metadata:ObjectMeta spec:PodSpec",
    "PortworxVolumeSource": "fsType readOnly volumeID",
    "PreferredSchedulingTerm": "preference:NodeSelectorTerm weight",
    "Probe": (
        "exec:*ExecAction failureThreshold grpc:*GRPCAction httpGet:*HTTPGetAction initialDelaySeconds periodSeconds "
        "successThreshold tcpSocket:*TCPSocketAction terminationGracePeriodSeconds:* timeoutSeconds"
    ),
    "ProjectedVolumeSource": "defaultMode:* sources:[]VolumeProjection",
    "QuobyteVolumeSource": "group readOnly registry tenant user volume",
    "RBDVolumeSource": "fsType image keyring monitors:[] pool readOnly secretRef:*LocalObjectReference user",
    "ResourceClaim": "name request",
    "ResourceFieldSelector": "containerName divisor:Q resource",
    "ResourceRequirements": "claims:[]ResourceClaim limits:{}Q requests:{}Q",
    "RolloutAnalysis": (
        "analysisRunMetadata:*AnalysisRunMetadata args:[]AnalysisRunArgument dryRun:[]DryRun "
        "measurementRetention:[]MeasurementRetention templates:[]AnalysisTemplateRef"
    ),
    "RolloutExperimentStep": (
        "analyses:[]RolloutExperimentStepAnalysisTemplateRef analysisRunMetadata:AnalysisRunMetadata dryRun:[]DryRun "
        "duration scaleDownDelaySeconds:* templates:[]RolloutExperimentTemplate"
    ),
    "RolloutExperimentStepAnalysisTemplateRef": (
        "args:[]AnalysisRunArgument clusterScope:* name requiredForCompletion templateName"
    ),
    "RolloutExperimentTemplate": (
        "metadata:PodTemplateMetadata name replicas:* selector:*LabelSelector service:*TemplateService specRef weight:*"
    ),
    "RolloutPause": "duration:*I",
    "RouteMatch": "headers:{}StringMatch method:*StringMatch path:*StringMatch",
    "SELinuxOptions": "level role type user",
    "ScaleIOVolumeSource": (
        "fsType gateway protectionDomain readOnly secretRef:*LocalObjectReference sslEnabled storageMode storagePool "
        "system volumeName"
    ),
    "SeccompProfile": "localhostProfile:* type",
    "SecretEnvSource": "name optional:*",
    "SecretKeySelector": "key name optional:*",
    "SecretProjection": "items:[]KeyToPath name optional:*",
    "SecretVolumeSource": "defaultMode:* items:[]KeyToPath optional:* secretName",
    "SecurityContext": (
        "allowPrivilegeEscalation:* appArmorProfile:*AppArmorProfile capabilities:*Capabilities privileged:* "
        "procMount:* readOnlyRootFilesystem:* runAsGroup:* runAsNonRoot:* runAsUser:* seLinuxOptions:*SELinuxOptions "
        "seccompProfile:*SeccompProfile windowsOptions:*WindowsSecurityContextOptions"
    ),
    "ServiceAccountTokenProjection": "audience expirationSeconds:* path",
    "SetCanaryScale": "matchTrafficWeight replicas:* weight:*",
    "SetHeaderRoute": "match:[]HeaderRoutingMatch name",
    "SetMirrorRoute": "match:[]RouteMatch name percentage:*",
    "SleepAction": "seconds",
    "StorageOSVolumeSource": "fsType readOnly secretRef:*LocalObjectReference volumeName volumeNamespace",
    "StringMatch": "exact prefix regex",
    "Sysctl": "name value",
    "TCPSocketAction": "host port:I",
    "TemplateService": "name",
    "Toleration": "effect key operator tolerationSeconds:* value",
    "TopologySpreadConstraint": (
        "labelSelector:*LabelSelector matchLabelKeys:[] maxSkew minDomains:* nodeAffinityPolicy:* nodeTaintsPolicy:* "
        "topologyKey whenUnsatisfiable"
    ),
    "TypedLocalObjectReference": "apiGroup:* kind name",
    "TypedObjectReference": "apiGroup:* kind name namespace:*",
    "Volume": (
        "awsElasticBlockStore:*AWSElasticBlockStoreVolumeSource azureDisk:*AzureDiskVolumeSource "
        "azureFile:*AzureFileVolumeSource cephfs:*CephFSVolumeSource cinder:*CinderVolumeSource "
        "configMap:*ConfigMapVolumeSource csi:*CSIVolumeSource downwardAPI:*DownwardAPIVolumeSource "
        "emptyDir:*EmptyDirVolumeSource ephemeral:*EphemeralVolumeSource fc:*FCVolumeSource "
        "flexVolume:*FlexVolumeSource flocker:*FlockerVolumeSource gcePersistentDisk:*GCEPersistentDiskVolumeSource "
        "gitRepo:*GitRepoVolumeSource glusterfs:*GlusterfsVolumeSource hostPath:*HostPathVolumeSource "
        "image:*ImageVolumeSource iscsi:*ISCSIVolumeSource name nfs:*NFSVolumeSource "
        "persistentVolumeClaim:*PersistentVolumeClaimVolumeSource "
        "photonPersistentDisk:*PhotonPersistentDiskVolumeSource portworxVolume:*PortworxVolumeSource "
        "projected:*ProjectedVolumeSource quobyte:*QuobyteVolumeSource rbd:*RBDVolumeSource "
        "scaleIO:*ScaleIOVolumeSource secret:*SecretVolumeSource storageos:*StorageOSVolumeSource "
        "vsphereVolume:*VsphereVirtualDiskVolumeSource"
    ),
    "VolumeDevice": "devicePath name",
    "VolumeMount": "mountPath mountPropagation:* name readOnly recursiveReadOnly:* subPath subPathExpr",
    "VolumeProjection": (
        "clusterTrustBundle:*ClusterTrustBundleProjection configMap:*ConfigMapProjection "
        "downwardAPI:*DownwardAPIProjection podCertificate:*PodCertificateProjection secret:*SecretProjection "
        "serviceAccountToken:*ServiceAccountTokenProjection"
    ),
    "VolumeResourceRequirements": "limits:{}Q requests:{}Q",
    "VsphereVirtualDiskVolumeSource": "fsType storagePolicyID storagePolicyName volumePath",
    "WeightedPodAffinityTerm": "podAffinityTerm:PodAffinityTerm weight",
    "WindowsSecurityContextOptions": "gmsaCredentialSpec:* gmsaCredentialSpecName:* hostProcess:* runAsUserName:*",
}
"""Go type -> its fields, each as `name` or `name:shape`. Without a shape it is a scalar whose zero value (`""`, `0`,
`false`) is the same as its absence, `*` is a scalar where it is not. `[]` and `{}` before a shape make a list or a
map of it (of scalars where nothing follows), `*` a pointer to one of the types here; a type without `*` is there even
where nobody writes it. `Q` is a quantity, `I` an integer or a string, `A` anything."""


@cache
def shapes(type_name: str) -> Mapping[str, str]:
    """Field -> shape of one type in `FIELDS`."""
    return {part.partition(":")[0]: part.partition(":")[2] for part in FIELDS[type_name].split()}
