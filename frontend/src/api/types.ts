/** Names for the shapes of the API. They are derived from the routes, so that a change of the contract fails the build. */
import type { paths } from "./schema.gen";

type Answer<Operation, Code extends number> = Operation extends {
  responses: Record<Code, { content: { "application/json": infer Body } }>;
}
  ? Body
  : never;

export type AuthStatus = Answer<paths["/api/auth/status"]["get"], 200>;
export type Config = Answer<paths["/api/config"]["get"], 200>;
export type GpuType = Config["gpuTypes"][number];
export type PresetImage = Config["presetImages"][number];
export type Volume = Config["volumes"][number];

export type PodList = Answer<paths["/api/pods"]["get"], 200>;
export type Pod = PodList["pods"][number];
export type Quota = PodList["quota"];
export type PodRequest = paths["/api/pods"]["post"]["requestBody"]["content"]["application/json"];
/** How far the saving of a pod is, or how it ended. */
export type CommitStatus = Answer<paths["/api/pods/{pod_id}/commit/status"]["get"], 200>;
export type HeldVolume = Answer<paths["/api/volumes"]["get"], 200>["volumes"][number];
export type PodEvent = Answer<paths["/api/pods/{pod_id}/events"]["get"], 200>["events"][number];
export type PodLogs = Answer<paths["/api/pods/{pod_id}/logs"]["get"], 200>;

export type GpuOverview = Answer<paths["/api/cluster/gpu-overview"]["get"], 200>;
export type AcceleratorGroup = GpuOverview["acceleratorGroups"][number];
export type GpuNode = AcceleratorGroup["nodes"][number];
export type Slot = GpuNode["slots"][number];
export type SlotStatus = Slot["status"];
export type SlotPod = Slot["pods"][number];
export type Summary = GpuOverview["summary"];
export type Sources = GpuOverview["sources"];
export type Source = Sources["kubernetes"];

export type NewKey = paths["/api/profile/ssh-keys"]["post"]["requestBody"]["content"]["application/json"];
export type NewToken = paths["/api/tokens"]["post"]["requestBody"]["content"]["application/json"];

/** The overview as columns; of the last four, base64 of one value per device, nodes after nodes. */
export type ColumnarOverview =
  paths["/api/cluster/gpu-overview"]["get"]["responses"][200]["content"]["application/vnd.genet.gpu-overview.columnar+json"];
/** What the stream says between two snapshots. */
export type OverviewChange =
  paths["/api/cluster/gpu-overview/stream"]["get"]["responses"][200]["content"]["text/event-stream; event=change"];

/** One node with all its devices, those of several types one after the other in the order of the groups. */
export type NodeDetail = Answer<paths["/api/cluster/nodes/{node_name}"]["get"], 200>;
export type History = NodeDetail["history"];

export type Availability = Answer<paths["/api/cluster/availability"]["get"], 200>["types"][number];

export type Usage = Answer<paths["/api/cluster/usage"]["get"], 200>;
export type UsageRow = Usage["rows"][number];
export type UsageBy = NonNullable<
  NonNullable<paths["/api/cluster/usage"]["get"]["parameters"]["query"]>["by"]
>;
