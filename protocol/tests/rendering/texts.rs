//! Whole texts, as people get them.

use purser_protocol::id::{Digest, PaperId};
use purser_protocol::paper::confirmation::Modality;
use purser_protocol::render::{self, Language, Medium};

use super::samples::{Confirmation, Intent, Mandate, Offer, Sample as _, shown};
use super::{line, ways};

fn confirmation(language: Language, medium: Medium) -> render::Rendering {
    let yes = Confirmation::samples().remove(0);
    render::confirmation(&yes, &Intent::samples()[0], &Offer::samples()[1], language, medium)
}

#[test]
fn a_sum_to_spend() {
    let quota = &Mandate::samples()[0];
    let text = render::mandate(quota, Language::Chinese, Medium::Screen).to_text();
    let expected = "\
额度付款授权。
在下列总额用完之前，可以付款。
可以付款的是密钥为 febdcbf414716b6bc4a694a0db353edd961cfe6136515082ce838de16f6b20fb 的智能体。
资金由 issuer.example 保管。
付款账户：acacacacacacacacacacacacacacacac。
所有金额的币种是人民币元（CNY）。
生效时间：2030年1月1日 00:00:00（协调世界时）。
失效时间：2030年1月31日 00:00:00（协调世界时），从这一秒起不能再付款。
每次付款都必须符合：
  每次付款最多 200.00 人民币元。
  全部付款合计最多 1,000.00 人民币元。
从账户中划出 200.00 人民币元，专供本授权使用。
退回的款项可以再次使用。
除此之外没有其他限制。
制作时间：2030年1月1日 00:00:00（协调世界时）。
授权系列：11111111111111111111111111111111。
所依据的对话，摘要为 c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0。
";
    assert_eq!(text, expected);
}

#[test]
fn a_confirmation_aloud() {
    let said = confirmation(Language::English, Medium::Voice);
    let first: Vec<_> = said.lines.iter().take(2).map(|line| line.text.as_str()).collect();
    let pay = "Pay one hundred twenty eight Chinese Yuan to the merchant that its certificate names tea dot example, letter \
               by letter t e a dot e x a m p l e.";
    assert_eq!(first, ["Confirm one payment.", pay]);
    // 0x17171717 is 387389207.
    let answer = "To agree, say: yes pay one hundred twenty eight Chinese Yuan code nine two zero seven.";
    assert_eq!(said.lines.last().unwrap().text, answer);
    assert!(confirmation(Language::English, Medium::Screen).lines.iter().all(|line| line.key != "phrase"));
}

#[test]
fn what_is_said_last_is_the_merchants_on_a_screen_and_ours_aloud() {
    for (language, medium) in ways() {
        let last = confirmation(language, medium).lines.pop().unwrap().key;
        assert_eq!(last, if medium == Medium::Voice { "phrase" } else { "offer.items.2" });
    }
}

#[test]
fn shown_is_the_digest_of_the_very_text() {
    use sha2::Digest as _;
    let rendering = render::mandate(&Mandate::samples()[1], Language::Chinese, Medium::Screen);
    let shown = rendering.shown();
    assert_eq!(shown.language.as_str(), "zh");
    assert_eq!(shown.rendering, Digest(sha2::Sha256::digest(rendering.to_text().as_bytes()).into()));
}

#[test]
fn what_comes_of_the_answer_is_not_in_the_text() {
    let mandate = &Mandate::samples()[0];
    let unsigned = Mandate { shown: None, ..mandate.clone() };
    let yes = &Confirmation::samples()[0];
    let answered = Confirmation {
        shown: Some(shown()),
        how: Modality::Voice,
        issued_at: yes.issued_at.saturating_add(60),
        evidence: Some(Digest([1; 32])),
        phrase: purser_protocol::id::Text::new("yes"),
        ..yes.clone()
    };
    for (language, medium) in ways() {
        assert_eq!(render::mandate(mandate, language, medium), render::mandate(&unsigned, language, medium));
        let text = |yes: &Confirmation| {
            render::confirmation(yes, &Intent::samples()[0], &Offer::samples()[0], language, medium).to_text()
        };
        assert_eq!(text(yes), text(&answered));
        let other = Confirmation { intent: PaperId([0x18; 32]), ..yes.clone() };
        assert_ne!(text(yes), text(&other));
    }
}

#[test]
fn a_hold_without_a_length_lasts_seven_days() {
    let offer = Offer { hold_seconds: None, ..Offer::samples().remove(1) };
    let text = render::offer(&offer, Language::English, Medium::Screen);
    assert!(line(&text, "capture").starts_with("The money is held for 7 days."));
}

#[test]
fn the_medium_is_that_of_the_answer() {
    for (how, medium) in [
        (Modality::Screen, Medium::Screen),
        (Modality::Voice, Medium::Voice),
        (Modality::Tap, Medium::Screen),
        (Modality::Device, Medium::Screen),
    ] {
        assert_eq!(Medium::of(how), medium);
    }
}
