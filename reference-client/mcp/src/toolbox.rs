//! A box of tools, as an MCP server shows it.

use std::sync::Arc;

use purser_client::Error;
use rmcp::handler::server::common::schema_for_type;
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, ErrorData, Implementation, JsonObject, ListToolsResult,
    PaginatedRequestParams, ServerCapabilities, ServerConfig, Tool, ToolAnnotations,
};
use rmcp::schemars::JsonSchema;
use rmcp::service::RequestContext;
use rmcp::{RoleServer, ServerHandler};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::reply::Reply;

/// Longest arguments of one call, as JSON.
pub const ARGUMENTS_BYTES_MAX: usize = 256 << 10;

/// Tools, and what is done when one is called.
pub trait Toolbox: Send + Sync + 'static {
    /// The server's name.
    fn name(&self) -> &'static str;
    /// What a model is told about it.
    fn instructions(&self) -> &'static str;
    /// The tools.
    fn tools(&self) -> Vec<Tool>;
    /// Calls one of them.
    fn call(self: Arc<Self>, tool: &str, arguments: JsonObject) -> impl Future<Output = Reply> + Send;
}

/// Serves a box of tools.
pub struct Server<T>(Arc<T>);

impl<T> Server<T> {
    /// A server of this box.
    pub fn new(toolbox: Arc<T>) -> Self {
        Self(toolbox)
    }
}

impl<T> Clone for Server<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T: Toolbox> ServerHandler for Server<T> {
    fn get_info(&self) -> ServerConfig {
        ServerConfig::new(ServerCapabilities::builder().enable_tools().build())
            .with_server_info(Implementation::new(self.0.name(), env!("CARGO_PKG_VERSION")))
            .with_instructions(self.0.instructions())
    }

    async fn list_tools(
        &self,
        _request: Option<PaginatedRequestParams>,
        _context: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        Ok(ListToolsResult::with_all_items(self.0.tools()))
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        _context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        if !self.0.tools().iter().any(|tool| tool.name == request.name) {
            return Err(ErrorData::invalid_params("there is no tool of this name", None));
        }
        let arguments = request.arguments.unwrap_or_default();
        if serde_json::to_string(&arguments).map_or(usize::MAX, |text| text.len()) > ARGUMENTS_BYTES_MAX {
            let error = Error::usage(format!("the arguments are longer than {ARGUMENTS_BYTES_MAX} bytes"));
            return Ok(Reply::error(&error.fix("send less")).result().into());
        }
        let (toolbox, name) = (Arc::clone(&self.0), request.name.into_owned());
        // What moves money runs to its end, whether or not somebody still waits for the answer.
        let called = tokio::spawn(async move { toolbox.call(&name, arguments).await });
        let reply = called.await.unwrap_or_else(|_| {
            let error = Error::new(purser_client::Class::Unknown, "the tool ended before its answer");
            Reply::error(&error.fix("list_payments says what was paid"))
        });
        Ok(reply.result().into())
    }
}

/// What a tool does to the world.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Nothing.
    Reads,
    /// It may move money; the same call twice may move it twice.
    Pays,
    /// It may move money; the same call twice does what it did once.
    PaysOnce,
    /// It writes something down.
    Writes,
}

/// A tool whose arguments are a `T`.
pub fn tool<T: JsonSchema + 'static>(name: &'static str, description: &'static str, effect: Effect) -> Tool {
    let reads = effect == Effect::Reads;
    let annotations = ToolAnnotations::new()
        .read_only(reads)
        .destructive(matches!(effect, Effect::Pays | Effect::PaysOnce))
        .idempotent(matches!(effect, Effect::Reads | Effect::PaysOnce))
        .open_world(true);
    Tool::new(name, description, schema_for_type::<T>()).with_annotations(annotations)
}

/// Reads a call's arguments; what is not as the schema says is told by its name.
pub fn arguments<T: DeserializeOwned>(arguments: JsonObject) -> purser_client::Result<T> {
    serde_json::from_value(Value::Object(arguments)).map_err(|error| {
        Error::usage(format!("the arguments are not as the tool's schema says: {error}"))
            .fix("correct the arguments; nothing was sent")
    })
}
