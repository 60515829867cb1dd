/** 简体中文，每个页面一个文件 */
import type { Messages } from "./en";
import { account } from "./zh-CN/account";
import { app, errors } from "./zh-CN/app";
import { create } from "./zh-CN/create";
import { connect, drawer, status, use } from "./zh-CN/drawer";
import { gpus } from "./zh-CN/gpus";
import { logs } from "./zh-CN/logs";
import { node } from "./zh-CN/node";
import { history, pods, volumes } from "./zh-CN/pods";
import { saving } from "./zh-CN/saving";
import { terminal } from "./zh-CN/terminal";
import { usage } from "./zh-CN/usage";

export const zhCN: Messages = {
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
