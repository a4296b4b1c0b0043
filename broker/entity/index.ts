export { createEntities, type Entities, type EntityStore } from './entities.ts';
