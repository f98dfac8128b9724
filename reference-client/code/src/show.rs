//! What a person is told when a code is not paid. [COD-8]

use purser_protocol::code::Code;

/// English and Chinese; `None` where the refusal is of another kind, and is told as everywhere.
pub fn words(code: Code) -> Option<[&'static str; 2]> {
    Some(match code {
        Code::CodeForm => {
            ["This code is not one that can be paid. Nothing was paid.", "此码不是可支付的码。没有付款。"]
        }
        Code::CodeNone => [
            "No code was found in this picture. Take it again, closer and straighter.",
            "图中没有找到码。请靠近、摆正后重拍。",
        ],
        Code::CodeSeveral => {
            ["There is more than one code in this picture. Take one of them alone.", "图中有多个码。请只拍其中一个。"]
        }
        Code::CodeStale | Code::OfferExpired | Code::OfferPaid | Code::OfferUnknown => [
            "This code is used up or out of date. Ask the merchant for a new one. Nothing was paid.",
            "此码已用过或已过期。请向商家索取新码。没有付款。",
        ],
        Code::CodeSwapped => [
            "The offer is not the one that this code was made for. Do not pay. Tell the merchant.",
            "报价与此码不符。请勿付款，并告知商家。",
        ],
        Code::CodeMerchant => [
            "This code belongs to another merchant than you said. Do not pay. Tell the merchant.",
            "此码属于另一商家。请勿付款，并告知商家。",
        ],
        _ => return None,
    })
}
