/** Where the features meet: a free GPU in the overview opens the dialog of the pods, and one's own leads to its pod. */
import { Button } from "@mantine/core";
import { Link, useLocation, useNavigate, useSearchParams } from "react-router";
import { useSession } from "../api/session";
import { useOverview } from "../features/gpus/live/OverviewProvider";
import type { Fleet } from "../features/gpus/model";
import { OverviewPage } from "../features/gpus/OverviewPage";
import { CreateDialog } from "../features/pods/CreateDialog";
import { PodsPage } from "../features/pods/PodsPage";
import { TerminalPage } from "../features/pods/TerminalPage";
import { UsagePage } from "../features/usage/UsagePage";
import { useText } from "../i18n/language";
import { EmptyState } from "../ui/EmptyState";
import { loginHref } from "../ui/LogIn";
import { useTitle } from "../ui/useTitle";
import { carryDevUser } from "./devUser";

export function GpusRoute() {
  useTitle(useText().app.gpus);
  const { auth, loginURL } = useSession();
  const navigate = useNavigate();
  const { pathname, search } = useLocation();
  const [, setSearch] = useSearchParams();
  return (
    <>
      <OverviewPage
        onTake={({ type, nodeName, index }) => {
          if (!auth.authenticated) {
            if (loginURL) {
              window.location.assign(loginHref(loginURL, pathname + search));
            }
            return;
          }
          setSearch((old) => {
            const next = new URLSearchParams(old);
            next.delete("node");
            next.set("create", type);
            next.set("on", nodeName);
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
  useTitle(useText().app.pods);
  const navigate = useNavigate();
  const { search } = useLocation();
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
        onNewPod={(image, gpuType) =>
          setSearch(
            (old) => {
              const next = new URLSearchParams(old);
              next.delete("pod");
              next.delete("tab");
              next.set("create", gpuType ?? "");
              return next;
            },
            { state: { image } },
          )
        }
        onShowNode={(node) => navigate({ pathname: "/gpus", search: carryDevUser(search, { node }) })}
        keysHref={`/account${carryDevUser(search)}`}
        terminalHref={(pod) => `/terminal${carryDevUser(search, { pod })}`}
      />
      <CreateRoute />
    </>
  );
}

export function TerminalRoute() {
  const [search] = useSearchParams();
  return <TerminalPage id={search.get("pod")} />;
}

export function UsageRoute() {
  useTitle(useText().app.usage);
  const navigate = useNavigate();
  const { search } = useLocation();
  return (
    <UsagePage
      onHolder={(holder) => navigate({ pathname: "/gpus", search: carryDevUser(search, { holder }) })}
      onPod={(pod) => navigate({ pathname: "/pods", search: carryDevUser(search, { pod }) })}
    />
  );
}

export function NotFoundRoute() {
  const text = useText();
  useTitle(text.app.notFound);
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
  const { search: location, state } = useLocation();
  const [search, setSearch] = useSearchParams();
  const type = search.get("create");
  if (type === null || !auth.authenticated) {
    return null;
  }
  const card = Number.parseInt(search.get("card") ?? "", 10);
  return (
    <WithNodes>
      {(nodesOf) => (
        <CreateDialog
          prefill={{
            gpuType: type === "" ? null : type,
            nodeName: search.get("on"),
            card: Number.isNaN(card) ? null : card,
            image: imageIn(state),
          }}
          nodesOf={nodesOf}
          onClose={() =>
            setSearch((old) => {
              const next = new URLSearchParams(old);
              for (const name of ["create", "on", "card"]) {
                next.delete(name);
              }
              return next;
            })
          }
          onCreated={() => navigate({ pathname: "/pods", search: carryDevUser(location) })}
        />
      )}
    </WithNodes>
  );
}

/** Not in the URL: a link from elsewhere must not put an image of its own before somebody's volumes. */
function imageIn(state: unknown): string | null {
  const image = typeof state === "object" && state !== null && "image" in state ? state.image : null;
  return typeof image === "string" ? image : null;
}

/** Looks at the fleet only while the dialog is open. */
function WithNodes({ children }: { children: (nodesOf: (type: string) => string[]) => React.ReactNode }) {
  const fleet = useOverview((state) => state.fleet);
  return children((type) => (fleet ? nodesOfType(fleet, type) : []));
}

function nodesOfType({ groups, nodes }: Fleet, wanted: string): string[] {
  return groups
    .filter(({ type }) => type === wanted)
    .flatMap(({ firstNode, nodeCount }) => nodes.slice(firstNode, firstNode + nodeCount))
    .map(({ name }) => name);
}
