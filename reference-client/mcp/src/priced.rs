//! A price on any tool of an MCP server.
//!
//! A call without a payment is answered with a result that has the merchant's challenge and signed offer; the call that
//! comes again with a receipt is served, once. The offer is for this server, this tool and these arguments: it is bound
//! as an HTTP request would be, with the method `CALL`, the server's authority, `/mcp/tools/NAME`, and the arguments as
//! the body. What is kept, consumed once and repeated is the merchant kit's: [`purser_merchant::Price`].

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};

use axum::body::{Body, Bytes};
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue, WWW_AUTHENTICATE};
use axum::http::{Request, Response, StatusCode};
use http_body_util::BodyExt as _;
use purser_client::{Error, Result};
use purser_merchant::{Authority, Price};
use purser_protocol::bind::base64url;
use purser_protocol::bind::http::{PAYMENT_RECEIPT, PURSER_DELIVERY};
use purser_protocol::code::Code;
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, ErrorData, JsonObject, ListToolsResult,
    MetaObject, PaginatedRequestParams, ServerConfig, Tool,
};
use rmcp::service::RequestContext;
use rmcp::{RoleServer, ServerHandler};
use serde_json::{Value, json};
use tower::{Layer as _, Service as _};

/// Where a call carries its payment.
pub const CREDENTIAL: &str = "org.paymentauth/credential";
/// Where a result says that a payment was taken.
pub const RECEIPT: &str = "org.paymentauth/receipt";
/// Where a result carries the merchant's word about what it delivered.
pub const DELIVERY: &str = "purser/delivery";
/// Where a tool says that it has a price, and a result that it must be paid.
pub const REQUIRED: &str = "org.paymentauth/payment-required";
/// The argument that carries a payment for those whose clients let them set arguments only.
pub const ARGUMENT: &str = "purser_payment";
/// The method that a call is bound as.
pub const METHOD: &str = "CALL";

/// A server some of whose tools have a price.
#[derive(Clone)]
pub struct Priced<H> {
    inner: Arc<H>,
    authority: String,
    prices: BTreeMap<String, (String, Price)>,
}

impl<H: ServerHandler> Priced<H> {
    /// The same server. `authority` is its name, as in its address: a receipt for one server is none for another.
    pub fn new(inner: H, authority: &str) -> Result<Self> {
        let known: std::result::Result<axum::http::uri::Authority, _> = authority.parse();
        known.map_err(|_| Error::usage("not a host, with or without a port").at(authority))?;
        Ok(Self { inner: Arc::new(inner), authority: authority.to_owned(), prices: BTreeMap::new() })
    }

    /// The same, with a price on a tool. `says` is what its listing says of the price; the offer rules.
    pub fn price(mut self, tool: &str, says: &str, price: Price) -> Result<Self> {
        let letters = |letter: char| letter.is_ascii_alphanumeric() || "_-.".contains(letter);
        if tool.is_empty() || !tool.chars().all(letters) {
            return Err(Error::usage("a tool with a price has a name of letters, digits, _, - and .").at(tool));
        }
        self.prices.insert(tool.to_owned(), (says.to_owned(), price));
        Ok(self)
    }

    /// Answers a call of a tool with a price.
    async fn sell(
        &self,
        price: &Price,
        mut call: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> std::result::Result<CallToolResult, ErrorData> {
        let mut arguments = call.arguments.take().unwrap_or_default();
        let shown = credential(&context, &mut arguments)?; // [MCB-4]
        let body = Value::Object(arguments.clone()).to_string(); // [MCB-2]
        let target = format!("/mcp/tools/{}", call.name);
        let mut request = Request::builder().method(METHOD).uri(&target).extension(Authority(self.authority.clone()));
        if let Some(shown) = shown {
            let value = HeaderValue::try_from(shown);
            let mut value = value.map_err(|_| ErrorData::invalid_params("the payment cannot be read", None))?;
            value.set_sensitive(true);
            request = request.header(AUTHORIZATION, value);
        }
        let request = request.body(Body::from(body.clone()));
        let request = request.map_err(|error| ErrorData::internal_error(error.to_string(), None))?;

        call.arguments = Some(arguments);
        let work = Work { inner: Arc::clone(&self.inner), call: Arc::new(Mutex::new(Some((call, context)))) };
        let answered = price.layer(tower::service_fn(move |_| work.clone().run())).call(request).await;
        let (head, answer) = match answered {
            Ok(response) => response.into_parts(),
            Err(never) => match never {},
        };
        let answer = answer.collect().await.map_err(|error| ErrorData::internal_error(error.to_string(), None))?;
        let answer = answer.to_bytes();
        let text = |name: &str| head.headers.get(name).and_then(|value| value.to_str().ok());
        if head.status == StatusCode::PAYMENT_REQUIRED
            && let Some(challenge) = text(WWW_AUTHENTICATE.as_str())
        {
            let resource = Resource { url: format!("https://{}{target}", self.authority), body };
            return Ok(required(challenge, &answer, &resource));
        }
        if text(CONTENT_TYPE.as_str()) != Some("application/json") {
            return Ok(refused(&answer));
        }
        let result: CallToolResult =
            serde_json::from_slice(&answer).map_err(|error| ErrorData::internal_error(error.to_string(), None))?;
        let mut meta = result.meta.clone().unwrap_or_default();
        // [MCB-6]
        for (name, header) in [(RECEIPT, PAYMENT_RECEIPT), (DELIVERY, PURSER_DELIVERY)] {
            if let Some(value) = text(header) {
                meta.insert(name.to_owned(), value.into());
            }
        }
        Ok(result.with_meta(Some(meta)))
    }
}

/// A call that is made at most once.
type Call = Mutex<Option<(CallToolRequestParams, RequestContext<RoleServer>)>>;

/// The tool itself, called by whoever has paid.
struct Work<H> {
    inner: Arc<H>,
    call: Arc<Call>,
}

impl<H> Clone for Work<H> {
    fn clone(&self) -> Self {
        Self { inner: Arc::clone(&self.inner), call: Arc::clone(&self.call) }
    }
}

impl<H: ServerHandler> Work<H> {
    async fn run(self) -> std::result::Result<Response<Body>, Infallible> {
        let call = self.call.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some((call, context)) = call else { return Ok(failed()) };
        let result = match self.inner.call_tool(call, context).await {
            Ok(CallToolResponse::Complete(result)) => result,
            // What is not whole, or not done, was not delivered: it can be asked for again with the same receipt.
            Ok(_) | Err(_) => return Ok(failed()),
        };
        // A tool's own no is an answer; money that is only held then goes back.
        let status = if result.is_error == Some(true) { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
        let Ok(body) = serde_json::to_vec(&result) else { return Ok(failed()) };
        let mut response = Response::new(Body::from(body));
        *response.status_mut() = status;
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        Ok(response)
    }
}

fn failed() -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
    response
}

/// The payment that a call shows, in one place. It is no argument of the tool's.
fn credential(
    context: &RequestContext<RoleServer>,
    arguments: &mut JsonObject,
) -> std::result::Result<Option<String>, ErrorData> {
    let places = [context.meta.get(CREDENTIAL).cloned(), arguments.remove(ARGUMENT)];
    let mut found = places.into_iter().flatten();
    match (found.next(), found.next()) {
        (None, _) => Ok(None),
        (Some(Value::String(text)), None) => Ok(Some(text)),
        _ => Err(ErrorData::invalid_params("a call shows one payment, as a text", None)),
    }
}

struct Resource {
    url: String,
    body: String,
}

/// What must be paid, in a form that clients carry whole: structured, as text, and in `_meta`. [MCB-1]
fn required(challenge: &str, offer: &Bytes, resource: &Resource) -> CallToolResult {
    let data = json!({
        "status": "payment-required",
        "code": Code::PaymentRequired.slug(),
        "challenges": [challenge],
        "offer": base64url::encode(offer),
        "resource": { "method": METHOD, "url": resource.url, "body": resource.body },
        "what_to_do": "pay the offer, then call this tool again with the same arguments and the payment in \
            _meta[\"org.paymentauth/credential\"], or as the argument purser_payment",
    });
    let mut result = CallToolResult::structured_error(data.clone());
    result.content = vec![ContentBlock::text(data.to_string())];
    let mut meta = MetaObject::new();
    meta.insert(REQUIRED.to_owned(), data);
    result.with_meta(Some(meta))
}

/// Why a payment was not taken: the problem, as HTTP would have it. [MCB-5]
fn refused(problem: &Bytes) -> CallToolResult {
    let problem: Value = serde_json::from_slice(problem).unwrap_or(Value::Null);
    let code = problem["code"].as_u64().and_then(Code::from_number).unwrap_or(Code::Internal);
    CallToolResult::structured_error(json!({
        "status": "refused",
        "code": code.slug(),
        "clause": code.clause(),
        "why": code.meaning(),
        "retry": code.retry().name(),
        "money_may_have_moved": code == Code::OutcomeUnknown,
    }))
}

impl<H: ServerHandler> ServerHandler for Priced<H> {
    fn get_info(&self) -> ServerConfig {
        self.inner.get_info()
    }

    async fn list_tools(
        &self,
        request: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> std::result::Result<ListToolsResult, ErrorData> {
        let mut listed = self.inner.list_tools(request, context).await?;
        for tool in &mut listed.tools {
            if let Some((says, _)) = self.prices.get(tool.name.as_ref()) {
                advertise(tool, says);
            }
        }
        Ok(listed)
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> std::result::Result<CallToolResponse, ErrorData> {
        match self.prices.get(request.name.as_ref()) {
            Some((_, price)) => self.sell(price, request, context).await.map(Into::into),
            None => self.inner.call_tool(request, context).await,
        }
    }
}

/// Says in a listing that there is a price, and lets clients that check arguments send a payment.
fn advertise(tool: &mut Tool, says: &str) {
    let mut meta = tool.meta.clone().unwrap_or_default();
    meta.insert(REQUIRED.to_owned(), json!({ "method": "purser", "says": says }));
    tool.meta = Some(meta);
    let mut schema = (*tool.input_schema).clone();
    let properties = schema.entry("properties").or_insert_with(|| json!({}));
    if let Value::Object(properties) = properties {
        let text = json!({ "type": "string", "description": "The payment, when it has been asked for" });
        properties.insert(ARGUMENT.to_owned(), text);
    }
    tool.input_schema = Arc::new(schema);
}
