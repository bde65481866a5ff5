// What the page itself says. What a report says comes from the engine, in both languages: never from here.

const TEXTS = {
  title: ["核验证照", "Verify a certificate"],
  present: ["出示证照", "What is presented"],
  choose: ["选择证照文件或图片", "Choose a file or a picture"],
  dropHere: [
    "或将 .concord 文件、二维码照片（PNG、JPEG）拖到这里。",
    "or drop .concord files or pictures of a code (PNG, JPEG) here.",
  ],
  code: ["或输入二维码文字（键盘扫码器）", "or the text of a code (keyboard scanner)"],
  verify: ["核验", "Verify"],
  results: ["核验报告", "Reports"],
  checks: ["逐项检查", "Each check"],
  typedCode: ["输入的二维码", "typed code"],
  data: ["核验依据的数据", "Data to verify with"],
  dataNone: ["还没有信任包。请从节点获取，或载入文件。", "There is no trust bundle yet. Get one from the node, or load a file."],
  dataLoading: ["正在读取信任包……", "Reading the trust bundle…"],
  newer: ["获取最新数据", "Get newer data"],
  bundle: ["从文件载入", "Load from a file"],
  forget: ["不再信任此联盟", "Trust this federation no more"],
  forgetSure: [
    "将删除本机保存的信任包；再次使用时须重新核对十二个词。确定吗？",
    "This deletes the trust bundle from this device; the twelve words will have to be compared again. Sure?",
  ],
  fingerprint: ["章程指纹：", "Charter's fingerprint:"],
  trustTitle: ["首次使用：请先确认联盟", "First visit: make sure which federation this is"],
  trustWhose: ["这份数据自称属于联盟", "These data say that they are of federation"],
  trustCompare: [
    "请从您信任的来源（如所在地区主管部门的公告或电话）取得章程指纹的十二个词，逐一核对。只有完全一致才可信任；本页会记住。",
    "Get the twelve words of the charter's fingerprint from a source that you trust, such as your region's authority, in print or on the telephone, and compare them. Trust the data only if all agree. This page will remember.",
  ],
  checkpoint: ["信任起点（高度:哈希），从同一可信来源取得", "Checkpoint (HEIGHT:HASH), from the same source"],
  trustYes: ["十二个词一致，信任此联盟", "All twelve words agree: trust it"],
  trustNo: ["不一致", "They do not agree"],
  trustRefused: ["未采用这份数据。", "These data were not taken."],
  taken: ["已更新信任包。", "The trust bundle is up to date now."],
  noNewer: ["节点没有更新的数据。", "The node has no newer data."],
  otherHistory: [
    "节点的历史与现有数据不同；继续使用现有数据。请报告联盟。",
    "The node is of another history than the data at hand, which stay in use. Tell the federation.",
  ],
  noNode: ["无法连接节点；继续使用现有数据。", "The node cannot be reached; the data at hand stay in use."],
  noNodeAtAll: ["无法从节点获取信任包；请从文件载入。", "No trust bundle can be had from the node; load one from a file."],
  tooLarge: ["文件过大，不予读取。", "The file is too large and was not read."],
  offlineReady: ["本页已保存在此设备，无网络也可使用。", "This page is kept on this device and works without a network."],
  offlineLater: ["正在把本页保存到此设备……", "This page is being kept on this device…"],
  offlineNever: [
    "此地址没有使用加密连接（HTTPS），浏览器不允许本页离线使用。",
    "This address is not served over HTTPS, so the browser does not let this page work offline.",
  ],
  offlineFailed: ["本页未能保存到此设备，离线时无法使用。", "This page could not be kept on this device and does not work offline."],
  newVersion: ["本页有新版本。", "There is a newer version of this page."],
  reload: ["重新载入", "Reload"],
  engineFailed: ["核验程序无法启动；请重新载入页面。", "The engine does not start; reload the page."],
  policy: ["核验要求", "What you ask for"],
  region: ["您所在的地区（用于判断是否互认）", "Your region (to tell whether it is recognised there)"],
  noRegion: ["不判断互认", "Do not tell"],
  purpose: ["用途", "Purpose"],
  age: ["数据超过多少天须提示", "Days after which data count as old"],
  recorded: ["必须证明已登记（不接受简码）", "Ask for proof that it is recorded (no small codes)"],
  askHolder: ["要求持证人用其密钥当场证明（重新勾选即换新随机数）", "Ask the holder to sign a nonce now (tick again for a new one)"],
  nonce: ["请持证人按此随机数出示：", "The holder presents with this nonce:"],
  notTheBearer: [
    "核验结果不证明出示人就是持证人，除非“持证人出示”一项通过。",
    "A verdict does not say that the bearer is the holder, unless the check “holder” passed.",
  ],
  staysHere: ["证照只在此设备上核验，不会发送到任何地方。", "Certificates are verified on this device and sent nowhere."],
};

export const LANGUAGES = ["zh", "en"];

/** The language that was chosen, or else the browser's: Chinese, or English for all others. */
export function preferred() {
  const chosen = localStorage.getItem("language");
  if (LANGUAGES.includes(chosen)) return chosen;
  return navigator.language.toLowerCase().startsWith("zh") ? "zh" : "en";
}

/** A text of the page. */
export function text(key, language) {
  return TEXTS[key][LANGUAGES.indexOf(language)];
}

/** Puts the texts of a language wherever an element asks for one. */
export function put(language) {
  document.documentElement.lang = language === "zh" ? "zh-CN" : "en";
  for (const element of document.querySelectorAll("[data-text]")) {
    element.textContent = text(element.dataset.text, language);
  }
  for (const button of document.querySelectorAll("[data-language]")) {
    button.setAttribute("aria-pressed", String(button.dataset.language === language));
  }
}
