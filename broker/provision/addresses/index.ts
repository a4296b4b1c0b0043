export {
  chooseAddress,
  chooseCidrs,
  cidrsOverlap,
  gatewayOf,
  isWithin,
  usableAddresses,
  type SubnetPool,
} from './choose.ts';
