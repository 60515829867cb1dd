/** English, one file for each view, and by its type what every other language has to say. */
import { account } from "./en/account";
import { app, errors } from "./en/app";
import { create } from "./en/create";
import { connect, drawer, status, use } from "./en/drawer";
import { gpus } from "./en/gpus";
import { logs } from "./en/logs";
import { node } from "./en/node";
import { history, pods, volumes } from "./en/pods";
import { saving } from "./en/saving";
import { terminal } from "./en/terminal";
import { usage } from "./en/usage";

export const en = {
  app,
  errors,
  gpus,
  node,
  usage,
  pods,
  drawer,
  volumes,
  history,
  connect,
  use,
  status,
  logs,
  terminal,
  saving,
  create,
  account,
};

export type Messages = typeof en;
