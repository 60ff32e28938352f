window.ui = SwaggerUIBundle({
  url: "swagger.json",
  dom_id: "#swagger-ui",
  deepLinking: true,
  // Asks nobody outside whether the document is valid
  validatorUrl: null,
});
