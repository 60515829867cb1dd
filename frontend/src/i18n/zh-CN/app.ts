/** 各页面的外框，以及通用的错误提示 */
import type { Messages } from "../en";

export const app: Messages["app"] = {
  gpus: "GPU 总览",
  pods: "我的 Pod",
  usage: "用量",
  navigation: "主导航",
  skip: "跳到正文",
  account: "账号",
  logIn: "登录",
  proxyLogIn: "登录由 Genet 前面的代理完成，但它没有说明您是谁。请刷新页面；如果仍然不行，请联系管理员。",
  sessionEnded: "会话已结束。页面内容和您输入的文字都会保留：请在新窗口登录后回到这里。",
  logOut: "退出登录",
  logOutHint: "结束此浏览器的会话。kubeconfig 和 API 令牌仍然有效。",
  logOutEverywhere: "在所有地方退出",
  logOutEverywhereHint:
    "立即结束您的所有会话、所有代表您的程序（包括 kubectl）和所有 API 令牌。您的 Pod 会继续运行。",
  logOutFailed: "未能退出登录",
  admin: "管理员",
  copyIdentifier: "复制您的用户标识",
  accessAndTokens: "kubectl、令牌和程序",
  theme: "主题",
  themes: { light: "浅色", dark: "深色", auto: "跟随系统" },
  language: "语言",
  loading: "正在加载",
  retry: "重试",
  close: "关闭",
  cancel: "取消",
  notFound: "没有这个页面。",
  toGpus: "查看 GPU",
  startFailed: "无法连接 Genet",
  outdated: (clock) => `未能更新：以下是 ${clock} 的情况`,
  crashed: "页面出错了",
};

export const errors: Messages["errors"] = {
  network: "服务器没有应答。请检查网络后重试。",
  unauthenticated: "会话已结束，请重新登录。",
  unavailable: (detail) => `平台的一部分暂时没有应答：${detail}`,
  quotaPods: (used, limit) => `您已有 ${used} 个 Pod，上限为 ${limit} 个。请先删除一个。`,
  quotaGpus: (used, asked, limit) =>
    `您的上限是 ${limit} 个 GPU，已占用 ${used} 个，${limit - used > 0 ? `最多还能用 ${limit - used} 个` : "不能再增加"}；这个 Pod 需要 ${asked} 个。`,
};
