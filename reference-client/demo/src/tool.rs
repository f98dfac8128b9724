//! Two MCP servers over stdin and stdout: a tool that has a price, and the merchant's own.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use purser_mcp::merchant::{Allowed, Merchant};
use purser_mcp::priced::Priced;
use purser_mcp::serve::stdio;
use purser_merchant::Shop;
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, ErrorData, JsonObject, ListToolsResult,
    PaginatedRequestParams, ServerCapabilities, ServerConfig, Tool,
};
use rmcp::service::RequestContext;
use rmcp::{RoleServer, ServerHandler, ServiceExt as _};
use serde_json::json;

use crate::Failure;

/// The tool.
pub(crate) const TOOL: &str = "fortune";
/// Its price.
pub(crate) const PRICE: &str = "1.00 CNY";

/// Any server: it knows nothing of prices.
struct Oracle;

impl ServerHandler for Oracle {
    fn get_info(&self) -> ServerConfig {
        ServerConfig::new(ServerCapabilities::builder().enable_tools().build())
    }

    async fn list_tools(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        let mut schema = JsonObject::new();
        schema.insert("type".into(), json!("object"));
        Ok(ListToolsResult::with_all_items(vec![Tool::new(TOOL, "Tells a fortune.", schema)]))
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        Ok(CallToolResult::structured(json!({ "about": request.arguments, "fortune": "You will be paid." })).into())
    }
}

/// Serves the tool at its price, for the merchant of this configuration.
pub async fn priced(config: &Path) -> Result<(), Failure> {
    let shop = Shop::open(config)?;
    let charge = shop.price(PRICE, TOOL, "A fortune")?;
    let server = Priced::new(Oracle, "oracle.example")?.price(TOOL, PRICE, charge)?;
    server.serve(rmcp::transport::stdio()).await?.waiting().await?;
    Ok(())
}

/// Serves the merchant's tools, refunds of at most so much among them.
pub async fn merchant(config: &Path, orders: PathBuf, refund_max: &str) -> Result<(), Failure> {
    let refund_max = Some(refund_max.parse().map_err(|error| format!("{refund_max}: {error}"))?);
    let allowed = Allowed { refund_max, ..Allowed::default() };
    let merchant = Merchant::open(config, orders, "https://shop.example", allowed)?;
    Ok(stdio(Arc::new(merchant)).await?)
}
