/** Ways to the login, which is a page of the server's or of a proxy's and never of ours. */
import { Button, type ButtonProps } from "@mantine/core";
import { useLocation } from "react-router";
import { useSession } from "../api/session";
import { useText } from "../i18n/language";
import { EmptyState } from "./EmptyState";

interface LogInButtonProps extends ButtonProps {
  /** Beside this page, which stays as it is. */
  newWindow?: boolean;
}

/** Nothing where nobody can log in here: a proxy in front of the server does it. */
export function LogInButton({ newWindow = false, ...button }: LogInButtonProps) {
  const text = useText();
  const { loginURL } = useSession();
  const { pathname, search } = useLocation();
  return (
    loginURL && (
      <Button
        component="a"
        href={loginHref(loginURL, pathname + search)}
        {...(newWindow && { target: "_blank", rel: "opener" })}
        {...button}
      >
        {text.app.logIn}
      </Button>
    )
  );
}

/** In place of a page that is only for those who are logged in. */
export function LogInFirst({ title }: { title: string }) {
  const text = useText();
  const { auth } = useSession();
  return (
    <EmptyState title={title} {...(auth.mode === "proxy" && { hint: text.app.proxyLogIn })}>
      <LogInButton />
    </EmptyState>
  );
}

/** `next`: where to come back to, a path on this server. */
export function loginHref(loginURL: string, next: string): string {
  return `${loginURL}?${new URLSearchParams({ next })}`;
}
