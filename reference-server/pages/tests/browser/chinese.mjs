// The same path in Chinese: what is clicked is found by the words that a person reads.

import { Person, equal, holds } from "./person.mjs";

const button = (words) => `main button:has-text("${words}")`;

export const steps = [
  ["in Chinese: from nothing to a mandate, a payment, a yes and a revocation", async (_, world) => {
    const person = await new Person(world).begin("chinese", { locale: "zh-CN" });
    try {
      await person.sees('h1:has-text("您的钱包")');
      equal(await person.page.evaluate(() => document.documentElement.lang), "zh-Hans", "the language that is said");
      await person.accessible("start, Chinese");
      await person.click(button("开立账户"));
      await person.go("资金");
      await person.type("#deposit-amount", "500");
      await person.click(button("存入"));
      await person.sees('.sum:has-text("500.00 CNY")');

      const key = await world.agent("waiter");
      await person.go("授权");
      await person.click('a:has-text("新建授权")');
      await person.paste("#agent-key", key);
      await person.type("#agent-name", "购物助手");
      await person.type("#caps-total", "100");
      await person.type("#caps-above", "30");
      await person.sees('.preview li:has-text("100.00")');
      equal(await person.page.locator(".preview .text").getAttribute("lang"), "zh-Hans", "the language of the text");
      await person.accessible("create, Chinese");
      await person.click(button("核对"));
      await person.picture("review-chinese");
      await person.click(button("签署"));
      await person.sees('h3:has-text("购物助手：额度"), h3:has-text("购物助手: 额度")');

      equal((await world.fetch("waiter", "/coffee")).said.payment?.state, "settled", "a coffee");
      const asked = await world.fetch("waiter", "/taxi");
      equal(asked.code, 3, "what the agent was told");
      await person.page.goto(asked.said.payment.approval.url);
      await person.sees(`.state:has-text("代码 ${asked.said.payment.approval.user_code}")`);
      await person.picture("approvals-chinese");
      await person.accessible("approvals, Chinese");
      await person.click(button("同意并付款"));
      await person.sees('p:has-text("没有等待确认的付款。")');
      equal((await world.fetch("waiter", "/taxi")).said.payment?.state, "settled", "after the yes");

      await person.go("支出");
      await person.sees('#spent-sum:has-text("48.80 CNY")');
      await person.go("智能体");
      await person.click('label:has-text("购物助手")');
      await person.click(button("撤销"));
      await person.click(button("签署并撤销"));
      await person.sees('h1:has-text("智能体")');
      holds((await world.fetch("waiter", "/coffee")).code !== 0, "nothing is paid any more");
      person.noComplaints();
    } finally {
      await person.end();
    }
  }],
];
