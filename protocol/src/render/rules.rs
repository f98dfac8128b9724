//! The rules of a mandate: one line each, in the order of the registry; one line an entry where each entry binds by
//! itself.

use super::Page;
use crate::money::Currency;
use crate::paper::rules::{Category, Fields, PayeeKey};

impl Page {
    /// Says every rule of a map, below a heading; `place` is `caps`, or a grant by its index. [RND-16]
    pub(super) fn rules(&mut self, place: &str, rules: &Fields, currency: Currency) {
        // Named field by field, so that a new rule does not compile until it has its words.
        let Fields {
            amount_max,
            amount_min,
            total,
            total_per,
            count,
            count_per,
            merchants_allow,
            merchants_deny,
            categories_allow,
            categories_deny,
            items_allow,
            items_deny,
            price_deviation,
            times,
            channels,
            devices,
            payee_keys,
            depth,
            open_holds,
            ask_first,
            ask_above,
        } = rules;
        let pen = self.pen;
        let money = |minor: u64| ("amount", pen.money(minor, currency));
        for (name, amount) in [("amount_max", amount_max), ("amount_min", amount_min), ("total", total)] {
            self.rule(place, name, amount.map(|amount| vec![money(amount.minor())]));
        }
        self.entries(place, "total_per", total_per.as_deref(), |entry| {
            vec![money(entry.amount.minor()), ("period", pen.period(&entry.period))]
        });
        self.rule(place, "count", count.map(|count| vec![("count", pen.number(count.get()))]));
        self.entries(place, "count_per", count_per.as_deref(), |entry| {
            vec![("count", pen.number(entry.count.get())), ("period", pen.period(&entry.period))]
        });
        for (name, parties) in [("merchants_allow", merchants_allow), ("merchants_deny", merchants_deny)] {
            self.listed(place, name, parties.as_deref(), |party| pen.name(party));
        }
        for (name, categories) in [("categories_allow", categories_allow), ("categories_deny", categories_deny)] {
            self.listed(place, name, categories.as_deref(), |category| pen.category(*category));
        }
        for (name, items) in [("items_allow", items_allow), ("items_deny", items_deny)] {
            self.listed(place, name, items.as_deref(), |item| pen.quoted(item.as_str()));
        }
        self.entries(place, "price_deviation", price_deviation.as_deref(), |entry| {
            let item = ("item", pen.quoted(entry.item.as_str()));
            vec![item, money(entry.reference.minor()), ("percent", pen.percent(entry.per_mille.get()))]
        });
        let windows = times.as_deref().map(|windows| windows.iter().map(|window| pen.window(window)));
        self.rule(place, "times", windows.map(|windows| vec![("list", pen.list("list.or", windows))]));
        self.listed(place, "channels", channels.as_deref(), |channel| pen.channel(*channel));
        self.listed(place, "devices", devices.as_deref(), |device| pen.digest(&device.0));
        let payees: Option<Vec<_>> =
            payee_keys.as_deref().map(|keys| keys.chunk_by(|a, b| a.merchant == b.merchant).collect());
        self.entries(place, "payee_keys", payees.as_deref(), |keys: &&[PayeeKey]| {
            let merchant = keys.first().map(|key| pen.name(&key.merchant)).unwrap_or_default();
            let list = pen.list("list", keys.iter().map(|key| pen.digest(&key.key.0)));
            vec![("merchant", merchant), ("list", list)]
        });
        if let Some(depth) = depth {
            let phrase = if depth.get() == 0 { "rule.depth.none" } else { "rule.depth.some" };
            self.at_level(1, format!("{place}.depth"), phrase, &[("count", pen.number(depth.get()))]);
        }
        self.rule(place, "open_holds", open_holds.map(|count| vec![("count", pen.number(count.get()))]));
        self.rule(place, "ask_first", ask_first.map(|_| Vec::new()));
        self.rule(place, "ask_above", ask_above.map(|amount| vec![money(amount.get())]));
    }

    fn rule(&mut self, place: &str, name: &str, holes: Option<Vec<super::Hole<'_>>>) {
        if let Some(holes) = holes {
            self.at_level(1, format!("{place}.{name}"), &format!("rule.{name}"), &holes);
        }
    }

    fn listed<T>(&mut self, place: &str, name: &str, items: Option<&[T]>, said: impl Fn(&T) -> String) {
        let pen = self.pen;
        self.rule(place, name, items.map(|items| vec![("list", pen.list("list", items.iter().map(said)))]));
    }

    fn entries<'h, T>(
        &mut self,
        place: &str,
        name: &str,
        entries: Option<&[T]>,
        holes: impl Fn(&T) -> Vec<super::Hole<'h>>,
    ) {
        for (at, entry) in entries.unwrap_or_default().iter().enumerate() {
            self.at_level(1, format!("{place}.{name}.{at}"), &format!("rule.{name}"), &holes(entry));
        }
    }
}

impl super::Pen {
    /// A category by its four figures.
    pub(super) fn category(self, category: Category) -> String {
        self.figures(&format!("{:04}", category.get()))
    }

    pub(super) fn channel(self, channel: crate::paper::rules::Channel) -> String {
        self.word(&format!("channel.{}", channel.name()), &[])
    }
}
