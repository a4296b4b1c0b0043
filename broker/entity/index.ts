export { createEntities, type Entities, type EntityRecord, type EntityStore } from './entities.ts';
