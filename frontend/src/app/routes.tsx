/** Where the features meet: a free GPU in the overview opens the dialog of the pods, and one's own leads to its pod. */
import { Button } from "@mantine/core";
import { Link, useLocation, useNavigate, useSearchParams } from "react-router";
import { useSession } from "../api/session";
import type { Fleet } from "../features/gpus/model";
import { OverviewPage } from "../features/gpus/OverviewPage";
import { useOverview } from "../features/gpus/useOverview";
import { CreateDialog } from "../features/pods/CreateDialog";
import type { Supply } from "../features/pods/GpuFields";
import { PodsPage } from "../features/pods/PodsPage";
import { useText } from "../i18n/language";
import { EmptyState } from "../ui/EmptyState";
import { carryDevUser } from "./devUser";

export function GpusRoute() {
  const { auth } = useSession();
  const navigate = useNavigate();
  const { search } = useLocation();
  const [, setSearch] = useSearchParams();
  return (
    <>
      <OverviewPage
        onTake={({ group, node, index }) => {
          if (!auth.authenticated) {
            window.location.assign(auth.loginURL ?? "/");
            return;
          }
          setSearch((old) => {
            const next = new URLSearchParams(old);
            next.set("create", group.type);
            next.set("node", node.name);
            next.set("card", String(index));
            return next;
          });
        }}
        onOpenPod={(pod) => navigate({ pathname: "/pods", search: carryDevUser(search, { pod }) })}
      />
      <CreateRoute />
    </>
  );
}

export function PodsRoute() {
  const [, setSearch] = useSearchParams();
  return (
    <>
      <PodsPage
        onCreate={() =>
          setSearch((old) => {
            const next = new URLSearchParams(old);
            next.set("create", "");
            return next;
          })
        }
      />
      <CreateRoute />
    </>
  );
}

export function NotFoundRoute() {
  const text = useText();
  const { search } = useLocation();
  return (
    <EmptyState title={text.app.notFound}>
      <Button component={Link} to={{ pathname: "/gpus", search: carryDevUser(search) }}>
        {text.app.toGpus}
      </Button>
    </EmptyState>
  );
}

/** The dialog is open while `create` is in the URL; its value is the GPU type to begin with. */
function CreateRoute() {
  const { auth } = useSession();
  const navigate = useNavigate();
  const { search: location } = useLocation();
  const [search, setSearch] = useSearchParams();
  const fleet = useOverview().data?.fleet;
  const type = search.get("create");
  if (type === null || !auth.authenticated) {
    return null;
  }
  const card = Number.parseInt(search.get("card") ?? "", 10);
  return (
    <CreateDialog
      prefill={{
        gpuType: type === "" ? null : type,
        nodeName: search.get("node"),
        card: Number.isNaN(card) ? null : card,
      }}
      supply={fleet ? supplyOf(fleet) : {}}
      onClose={() =>
        setSearch((old) => {
          const next = new URLSearchParams(old);
          for (const name of ["create", "node", "card"]) {
            next.delete(name);
          }
          return next;
        })
      }
      onCreated={() => navigate({ pathname: "/pods", search: carryDevUser(location) })}
    />
  );
}

function supplyOf(fleet: Fleet): Record<string, Supply> {
  const supply: Record<string, Supply> = {};
  for (const { type, firstNode, nodeCount } of fleet.groups) {
    const { free = 0, total = 0 } = fleet.countsByType[type] ?? {};
    const nodes = fleet.nodes.slice(firstNode, firstNode + nodeCount).map(({ name }) => name);
    supply[type] = { free, total, nodes };
  }
  return supply;
}
