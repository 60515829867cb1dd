/** The frame around every page, and what went wrong anywhere. */
import { plural } from "./plural";

export const app = {
  gpus: "GPUs",
  pods: "My pods",
  usage: "Usage",
  navigation: "Main",
  skip: "Skip to content",
  account: "Account",
  logIn: "Log in",
  proxyLogIn:
    "Login happens at the proxy in front of Genet, and it did not say who you are. Reload the page; if that does not help, ask your administrator.",
  sessionEnded: "Your session has ended. What you see and have typed stays: log in beside it and come back.",
  logOut: "Log out",
  logOutHint: "Ends this browser's session. Kubeconfigs and API tokens go on working.",
  logOutEverywhere: "Log out everywhere",
  logOutEverywhereHint:
    "Ends all your sessions, all programs that act for you (kubectl with it) and all your API tokens, at once. Your pods go on running.",
  logOutFailed: "You were not logged out",
  admin: "Admin",
  copyIdentifier: "Copy your user identifier",
  accessAndTokens: "kubectl, tokens and programs",
  theme: "Theme",
  themes: { light: "Light", dark: "Dark", auto: "As the system" },
  language: "Language",
  loading: "Loading",
  retry: "Try again",
  close: "Close",
  cancel: "Cancel",
  notFound: "There is no such page.",
  toGpus: "See the GPUs",
  startFailed: "Genet cannot be reached",
  outdated: (clock: string) => `Not up to date: this is how it was at ${clock}`,
  crashed: "This page broke",
};

export const errors = {
  network: "The server does not answer. Check the connection and try again.",
  unauthenticated: "Your session has ended. Log in again.",
  unavailable: (detail: string) => `A part of the platform does not answer right now: ${detail}`,
  quotaPods: (used: number, limit: number) =>
    `You have ${plural(used, "pod", "pods")} and may have ${limit}. Delete one first.`,
  quotaGpus: (used: number, asked: number, limit: number) =>
    `You hold ${used} of the ${plural(limit, "GPU", "GPUs")} you may have, so ${limit - used > 0 ? `${limit - used} more at most` : "no more"}; this pod asks for ${asked}.`,
};
