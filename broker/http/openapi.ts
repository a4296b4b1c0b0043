import { problemSchema } from '@medusa/protocol';
import { z } from 'zod';
import type { RouteDefinition } from './route.ts';

type Json = Record<string, unknown>;

/** OpenAPI 3.1 from the very table that is served, so that the two cannot differ. */
export function toOpenApi(routes: readonly RouteDefinition[], version: string): Json {
  const paths: Record<string, Json> = {};
  for (const definition of routes) {
    const path = definition.path.replace(/[:*](\w+)/g, '{$1}');
    paths[path] = { ...paths[path], [definition.method]: operation(definition) };
  }
  return {
    openapi: '3.1.0',
    info: { title: 'Medusa broker', version, license: { name: 'Apache-2.0', identifier: 'Apache-2.0' } },
    paths,
    components: {
      securitySchemes: { bearer: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' } },
      schemas: { Problem: jsonSchema(problemSchema, 'output') },
    },
  };
}

function operation({ access, summary, path, params, query, body, response, status }: RouteDefinition): Json {
  const names = Array.from(path.matchAll(/[:*](\w+)/g), ([, name = '']) => name);
  const described = [
    ...parametersOf(params ?? z.object(Object.fromEntries(names.map((name) => [name, z.string()]))), 'path'),
    ...(query ? parametersOf(query, 'query') : []),
  ];
  const content = response && { 'application/json': { schema: jsonSchema(response, 'output') } };
  const problem = { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } };
  return {
    summary,
    ...(access === 'public' ? {} : { security: [{ bearer: [] }] }),
    ...(Array.isArray(access) ? { 'x-medusa-roles': access } : {}),
    ...(described.length > 0 ? { parameters: described } : {}),
    ...(body && {
      requestBody: { required: true, content: { 'application/json': { schema: jsonSchema(body, 'input') } } },
    }),
    responses: {
      [String(status)]: { description: summary, ...(content && { content }) },
      default: { description: 'A problem (RFC 9457)', content: problem },
    },
  };
}

function parametersOf(schema: z.ZodType, where: 'path' | 'query'): Json[] {
  const { properties = {}, required = [] } = jsonSchema(schema, 'input') as {
    properties?: Record<string, Json>;
    required?: string[];
  };
  return Object.entries(properties).map(([name, property]) => ({
    name,
    in: where,
    required: where === 'path' || required.includes(name),
    schema: property,
  }));
}

function jsonSchema(schema: z.ZodType, io: 'input' | 'output'): Json {
  const converted: Json = { ...z.toJSONSchema(schema, { io, unrepresentable: 'any' }) };
  // OpenAPI 3.1 names the dialect once for the whole document.
  delete converted['$schema'];
  return converted;
}
